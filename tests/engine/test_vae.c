/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Worst element against diffusers' AutoencoderKL and AutoencoderTiny;
 * tests/golden/golden_models.py. */
#include "networks/vae.h"

#include "model_help.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const Vae   *vae;
    const Taesd *taesd; /* instead of vae */
    Tensor       out, in;
    bool         encode, wrap;
} Run;

static void body(Compute *compute, void *data)
{
    Run *run = data;
    if (run->taesd)
        (run->encode ? taesd_encode : taesd_decode)(compute, run->taesd, run->out, run->in);
    else
        (run->encode ? vae_encode : vae_decode)(compute, run->vae, run->out, run->in, run->wrap,
                                                run->wrap);
}

static Vae *create(const Checkpoint *checkpoint, const ModelConfig *config)
{
    EngineError error = { 0 };
    Vae        *vae = vae_create(checkpoint, &config->vae, &error);
    if (!CHECK(vae != NULL))
        printf("     %s\n", error.message);
    return vae;
}

/* One golden direction; the caller frees out. */
static Run run_golden(const Vae *vae, const Taesd *taesd, const char *model, const char *in,
                      const char *out, int threads)
{
    Run    run = { .vae = vae, .taesd = taesd, .in = golden_tensor(model, in),
                   .encode = strcmp(in, "image") == 0,
                   .wrap = strcmp(out, "decoded_tiled") == 0 };
    Tensor want = golden_tensor(model, out);
    run.out = test_tensor(want.n, want.c, want.h, want.w);
    run_rehearsed(threads, body, &run);
    if (!CHECK_NEAR(cpu_data(run.out), cpu_data(want), tensor_count(want), 1e-4))
        printf("     of %s, %s\n", model, out);
    return run;
}

static void check_model(const char *file, const char *model)
{
    ModelConfig config;
    Checkpoint *checkpoint = golden_checkpoint(file, &config);
    Vae        *vae = create(checkpoint, &config);
    CHECK_INT(vae_factor(vae) * golden_tensor(model, "z").h, golden_tensor(model, "decoded").h);
    test_free(run_golden(vae, NULL, model, "z", "decoded", 2).out);
    test_free(run_golden(vae, NULL, model, "image", "moments", 2).out);
    vae_destroy(vae);
    checkpoint_close(checkpoint);
}

static void every_family_equals_diffusers_from_single_files(void)
{
    check_model("sd1.safetensors", "sd1");
    check_model("sd1_instruct.safetensors", "sd1_instruct");
    check_model("sd1_inpaint.safetensors", "sd1_inpaint");
    check_model("sd2.safetensors", "sd2");
    check_model("sdxl.safetensors", "sdxl");
}

static void every_family_equals_diffusers_from_folders(void)
{
    check_model("sd1", "sd1");
    check_model("sd2", "sd2");
    check_model("sdxl", "sdxl");
}

static void demo_checkpoint_equals_diffusers(void)
{
    check_model("demo", "demo");
}

/* 72 rows: the narrowing block at full size works in more than one band. */
static void padding_wraps_around_as_circular_convolutions_do(void)
{
    ModelConfig config;
    Checkpoint *checkpoint = golden_checkpoint("sd1.safetensors", &config);
    Vae        *vae = create(checkpoint, &config);
    test_free(run_golden(vae, NULL, "sd1", "z", "decoded_tiled", 2).out);
    vae_destroy(vae);
    checkpoint_close(checkpoint);
}

static void the_same_bits_for_any_number_of_threads(void)
{
    static const int   counts[] = { 1, 2, 3, 8 };
    static const char *outs[] = { "decoded", "decoded_tiled", "moments" };
    ModelConfig        config;
    Checkpoint        *checkpoint = golden_checkpoint("sd1.safetensors", &config);
    Vae               *vae = create(checkpoint, &config);
    for (int o = 0; o < 3; o++) {
        Tensor first = { 0 };
        for (int i = 0; i < 4; i++) {
            Run run = run_golden(vae, NULL, "sd1", o < 2 ? "z" : "image", outs[o], counts[i]);
            CHECK(!first.n ||
                  memcmp(cpu_data(first), cpu_data(run.out), tensor_bytes(run.out)) == 0);
            if (first.n)
                test_free(run.out);
            else
                first = run.out;
        }
        test_free(first);
    }
    vae_destroy(vae);
    checkpoint_close(checkpoint);
}

static void unaligned_weights_change_nothing(void)
{
    static const char *const models[] = { "sd1", "sd1_instruct",
                                          "sd1_inpaint" }; /* F16, F32, BF16 */
    for (int m = 0; m < 3; m++) {
        char        file[64];
        void       *memory;
        ModelConfig config;
        snprintf(file, sizeof file, "%s.safetensors", models[m]);
        Checkpoint *checkpoint = golden_skewed(file, 1, &config, &memory);
        Vae        *vae = create(checkpoint, &config);
        test_free(run_golden(vae, NULL, models[m], "z", "decoded", 2).out);
        test_free(run_golden(vae, NULL, models[m], "image", "moments", 2).out);
        vae_destroy(vae);
        checkpoint_close(checkpoint);
        free(memory);
    }
}

static size_t sd15_peak(const Vae *vae, int size, bool encode, int threads)
{
    Tensor picture = tensor_at(NULL, 0, TYPE_F32, 1, 3, size, size);
    Tensor latents = tensor_at(NULL, 0, TYPE_F32, 1, encode ? 8 : 4, size / 8, size / 8);
    Run    run = { .vae = vae, .encode = encode, .out = encode ? latents : picture,
                   .in = encode ? picture : latents };
    return run_dry(threads, body, &run);
}

static void sd15_keeps_within_its_memory(void)
{
    ModelConfig config;
    Checkpoint *checkpoint = sd15_shapes(&config);
    Vae        *vae = create(checkpoint, &config);
    for (int i = 0; i < 4; i++) {
        int    threads = i < 2 ? 2 : 16;
        bool   encode = i % 2 == 1;
        size_t small = sd15_peak(vae, 512, encode, threads),
               large = sd15_peak(vae, 1024, encode, threads);
        printf("     %s, %d threads: 512: %.0f MB, 1024: %.0f MB\n", encode ? "encoder" : "decoder",
               threads, (double)small / 1e6, (double)large / 1e6);
        CHECK(small <= 580e6);
        CHECK(large <= 1560e6);
    }
    vae_destroy(vae);
    checkpoint_close(checkpoint);
}

/* ---- TAESD ------------------------------------------------------------------------------- */

static void check_taesd(const char *name, bool encoder, bool decoder)
{
    char        path[1024], model[1024];
    EngineError error = { 0 };
    CheckpointExtras extras = { .taesd = golden_path(path, name) };
    Checkpoint      *checkpoint = checkpoint_open(golden_path(model, "sd1.safetensors"), &extras, &error);
    Taesd      *taesd = checkpoint ? taesd_create(checkpoint, &error) : NULL;
    if (!CHECK(taesd != NULL)) {
        printf("     %s: %s\n", name, error.message);
        checkpoint_close(checkpoint);
        return;
    }
    CHECK(taesd_can_decode(taesd) == decoder);
    CHECK(taesd_can_encode(taesd) == encoder);
    if (decoder)
        test_free(run_golden(NULL, taesd, "taesd", "latents", "decoded", 2).out);
    if (encoder)
        test_free(run_golden(NULL, taesd, "taesd", "image", "encoded", 2).out);
    taesd_destroy(taesd);
    checkpoint_close(checkpoint);
}

static void taesd_equals_diffusers_autoencoder_tiny(void)
{
    check_taesd("taesd_decoder.safetensors", false, true);
    check_taesd("taesd_encoder.safetensors", true, false);
    check_taesd("taesd", true, true); /* diffusers' folder */
    check_taesd("", true, true);      /* a folder with the author's two files */
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(every_family_equals_diffusers_from_single_files);
    RUN(every_family_equals_diffusers_from_folders);
    RUN(demo_checkpoint_equals_diffusers);
    RUN(padding_wraps_around_as_circular_convolutions_do);
    RUN(the_same_bits_for_any_number_of_threads);
    RUN(unaligned_weights_change_nothing);
    RUN(sd15_keeps_within_its_memory);
    RUN(taesd_equals_diffusers_autoencoder_tiny);
    return test_end();
}
