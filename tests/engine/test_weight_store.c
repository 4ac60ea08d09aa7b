/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_help.h"
#include "networks/unet.h"
#include "test.h"
#include "weights/weight_store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART = 3, COUNT = 1500 };

static const char name[] = "block.weight";

/* 1500 halves, from -750/512 on. */
static Weight mapped(uint16_t *numbers)
{
    for (int i = 0; i < COUNT; i++)
        numbers[i] = (uint16_t)(0x3000 + i);
    return (Weight){ .data = numbers, .type = TYPE_F16, .shape = { 30, 50, 1, 1 } };
}

static WeightStore *store_of(Weight *weight)
{
    WeightStore *store = weight_store_create();
    CHECK(store && weight_store_add(store, PART, name, weight));
    return store;
}

static void deltas_fill(float *first, float *second)
{
    for (int i = 0; i < COUNT; i++) {
        first[i] = (float)sin(i);
        second[i] = (float)cos(3 * i);
    }
}

/* The worst element against original + a * first + b * second, in double. */
static double off_by(const Weight *weight, const Weight *original, float a, const float *first, float b,
                     const float *second)
{
    float  got[COUNT], was[COUNT];
    double worst = 0;
    weight_to_float(got, weight, 0, COUNT);
    weight_to_float(was, original, 0, COUNT);
    for (int i = 0; i < COUNT; i++)
        worst = fmax(worst, fabs((double)got[i] - ((double)was[i] + (double)a * (double)first[i] +
                                                   (double)b * (double)second[i])));
    return worst;
}

static void merges_add_every_share_to_the_original(void)
{
    uint16_t     numbers[COUNT];
    float        first[COUNT], second[COUNT];
    EngineError  error = { 0 };
    Weight       weight = mapped(numbers), original = weight;
    WeightStore *store = store_of(&weight);
    deltas_fill(first, second);
    WeightDelta both[] = { { first, 0.75f }, { second, -1.5f } };
    CHECK(weight_store_merge(store, PART, name, both, 2, &error));
    CHECK(weight.type == TYPE_F32 && weight.data != original.data);
    CHECK(off_by(&weight, &original, 0.75f, first, -1.5f, second) < 1e-6);
    CHECK(weight_store_bytes(store) == COUNT * sizeof(float));
    both[0].strength = 0.25f; /* another strength: of the original, not of what was merged */
    CHECK(weight_store_merge(store, PART, name, both, 1, &error));
    CHECK(off_by(&weight, &original, 0.25f, first, 0, second) < 1e-6);
    CHECK(weight_store_original(store, PART, name)->data == numbers);
    weight_store_destroy(store);
}

static void what_was_merged_comes_off_bit_for_bit(void)
{
    uint16_t     numbers[COUNT], before[COUNT];
    float        first[COUNT], second[COUNT];
    EngineError  error = { 0 };
    Weight       weight = mapped(numbers), original = weight;
    WeightStore *store = store_of(&weight);
    memcpy(before, numbers, sizeof before);
    deltas_fill(first, second);
    for (int way = 0; way < 3; way++) {
        CHECK(weight_store_merge(store, PART, name, &(WeightDelta){ first, 1 }, 1, &error));
        CHECK(weight.type == TYPE_F32);
        if (way == 0)
            weight_store_restore(store, PART, name);
        else if (way == 1)
            weight_store_restore_all(store);
        else
            CHECK(weight_store_merge(store, PART, name, NULL, 0, &error));
        CHECK(memcmp(&weight, &original, sizeof weight) == 0);
        CHECK(memcmp(before, numbers, sizeof before) == 0);
        CHECK(weight_store_bytes(store) == 0);
    }
    weight_store_destroy(store);
}

static void scaled_weights_are_merged_at_their_value(void)
{
    unsigned char numbers[COUNT];
    float         first[COUNT], second[COUNT], values[2];
    EngineError   error = { 0 };
    deltas_fill(first, second);
    for (int i = 0; i < COUNT; i++)
        numbers[i] = (unsigned char)(i % 120);
    numbers[7] = 0x38; /* 1 */
    Weight weight = { .data = numbers, .type = TYPE_F8_E4M3, .scale = 0.125f, .shape = { COUNT, 1, 1, 1 } };
    Weight original = weight;
    weight_to_float(values, &weight, 6, 2);
    CHECK(values[1] == 0.125f);
    WeightStore *store = store_of(&weight);
    CHECK(weight_store_merge(store, PART, name, &(WeightDelta){ second, 0.5f }, 1, &error));
    CHECK(weight.scale == 0);
    CHECK(off_by(&weight, &original, 0, first, 0.5f, second) < 1e-6);
    weight_store_destroy(store);
}

static void other_numbers_of_ones_own_take_a_weights_place(void)
{
    uint16_t     numbers[COUNT];
    float        value;
    EngineError  error = { 0 };
    Weight       weight = mapped(numbers), original = weight;
    WeightStore *store = store_of(&weight);
    uint16_t    *own = weight_store_own(store, PART, name, TYPE_BF16, &error);
    if (!CHECK(own))
        return;
    for (int i = 0; i < COUNT; i++)
        own[i] = 0x4000; /* 2 */
    weight_to_float(&value, &weight, COUNT - 1, 1);
    CHECK(value == 2 && weight.type == TYPE_BF16 && weight_store_bytes(store) == sizeof numbers);
    CHECK(memcmp(weight.shape, original.shape, sizeof weight.shape) == 0);
    weight_store_restore(store, PART, name);
    CHECK(memcmp(&weight, &original, sizeof weight) == 0);
    weight_store_destroy(store);
}

static void names_that_are_not_there_are_refused(void)
{
    uint16_t     numbers[COUNT];
    EngineError  error = { 0 };
    Weight       weight = mapped(numbers);
    WeightStore *store = store_of(&weight);
    CHECK(!weight_store_find(store, PART + 1, name) && !weight_store_find(store, PART, "block.bias"));
    CHECK(!weight_store_merge(store, PART, "block.bias", NULL, 0, &error) && strstr(error.message, "block.bias"));
    weight_store_restore(store, PART, "block.bias");
    weight_store_forget(store, PART);
    CHECK(!weight_store_find(store, PART, name));
    CHECK(weight_store_add(store, PART, name, &weight) && weight_store_find(store, PART, name) == &weight);
    weight_store_destroy(store);
}

static void a_store_holds_thousands_of_names(void)
{
    static Weight weights[3000];
    WeightStore  *store = weight_store_create();
    char          each[32];
    for (int i = 0; i < 3000; i++) {
        snprintf(each, sizeof each, "%d.weight", i / 2);
        CHECK(weight_store_add(store, i % 2, each, &weights[i]));
    }
    for (int i = 0; i < 3000; i++) {
        snprintf(each, sizeof each, "%d.weight", i / 2);
        CHECK(weight_store_find(store, i % 2, each) == &weights[i]);
    }
    weight_store_destroy(store);
}

/* ---- in a network ---------------------------------------------------------------------------- */

typedef struct {
    const Unet *unet;
    Tensor      out, latents, contexts[2];
    const float *times;
} Run;

static void body(Compute *compute, void *data)
{
    Run *run = data;
    unet_forward(compute, run->unet, run->out, run->latents, run->times, run->contexts, (Tensor){ 0 }, 1, false,
                 false);
}

/* A LoRA's way: the answer changes with the strength and is the old one, to the bit, without it. */
static void a_network_follows_its_weights_and_comes_back(void)
{
    static const char key[] = "middle_block.1.transformer_blocks.0.attn2.to_v.weight";
    ModelConfig  config;
    EngineError  error = { 0 };
    Checkpoint  *checkpoint = golden_checkpoint("sd1.safetensors", &config);
    Unet        *unet = unet_create(checkpoint, &config.unet, &error);
    WeightStore *store = checkpoint_weights(checkpoint);
    Run          run = { .unet = unet, .latents = golden_tensor("sd1", "latents"),
                         .contexts = { golden_tensor("sd1", "context.0"), golden_tensor("sd1", "context.1") },
                         .times = golden_numbers("sd1", "timesteps", NULL) };
    const Weight *weight = weight_store_find(store, PART_UNET, key);
    if (!CHECK(weight))
        return;
    size_t count = tensor_count(run.latents), size = weight_count(weight);
    float *answers[3], *delta = malloc(size * sizeof *delta);
    for (size_t i = 0; i < size; i++)
        delta[i] = (float)sin((double)i);
    for (int turn = 0; turn < 3; turn++) {
        run.out = test_tensor(run.latents.n, run.latents.c, run.latents.h, run.latents.w);
        answers[turn] = cpu_data(run.out);
        if (turn == 1)
            CHECK(weight_store_merge(store, PART_UNET, key, &(WeightDelta){ delta, 0.5f }, 1, &error));
        else
            weight_store_restore_all(store);
        run_rehearsed(1, body, &run);
    }
    CHECK(test_worst(answers[1], answers[0], count) > 1e-3);
    CHECK(memcmp(answers[2], answers[0], count * sizeof(float)) == 0);
    CHECK(weight_store_merge(store, PART_UNET, key, &(WeightDelta){ delta, 1 }, 1, &error));
    unet_destroy(unet); /* forgets what was merged */
    CHECK(!weight_store_find(store, PART_UNET, key) && weight_store_bytes(store) == 0);
    for (int turn = 0; turn < 3; turn++)
        free(answers[turn]);
    free(delta);
    checkpoint_close(checkpoint);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(merges_add_every_share_to_the_original);
    RUN(what_was_merged_comes_off_bit_for_bit);
    RUN(scaled_weights_are_merged_at_their_value);
    RUN(other_numbers_of_ones_own_take_a_weights_place);
    RUN(names_that_are_not_there_are_refused);
    RUN(a_store_holds_thousands_of_names);
    RUN(a_network_follows_its_weights_and_comes_back);
    return test_end();
}
