/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoise.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { MAX_ITEMS = 3 };

/* An answer of the network and its share in the guided one; the shares' sum is 1. */
typedef struct {
    DenoisePrompt prompt;
    bool          without_image; /* zeros in place of `concat` */
    double        weight;
} Item;

typedef struct {
    Compute          *compute;
    const DenoiseRun *run;
    size_t            count; /* c * h * w; 0 in a dry run */
    size_t            plane; /* h * w; 0 in a dry run */
    Item              items[MAX_ITEMS];
    int               item_count;
    int               step;
    Tensor            input;  /* [items, c + concat channels, h, w] */
    Tensor            output; /* [items, c, h, w] */
    float            *blended; /* [c, h, w]: x with what is known put back; NULL without a mask */
    double            time_from, time_to; /* of the first and the last call with a sigma above 0 */
} Loop;

/* ---- soft mask ------------------------------------------------------------------------------ */

/* From which share of the run on a pixel is painted, against how far it has come: 1 at the first
 * call, 0 at the last. */
static bool painted(float mask, double threshold)
{
    return mask > 0.99f || (mask > 0 && (double)mask >= threshold);
}

static double mask_threshold(const Loop *loop, double sigma)
{
    if (loop->time_from <= loop->time_to)
        return 0;
    double time = noise_levels_time(loop->run->levels, sigma);
    return (time - loop->time_to) / (loop->time_from - loop->time_to);
}

/* y = x where the mask paints, source + amount * noise elsewhere; y may be x. */
static void keep_known(const Loop *loop, float *y, const float *x, double threshold, double amount)
{
    const DenoiseRun *run = loop->run;
    for (size_t i = 0; i < loop->count; i++)
        y[i] = painted(run->mask.data[i % loop->plane], threshold)
                   ? x[i]
                   : (float)((double)run->source.data[i] + amount * (double)run->noise.data[i]);
}

/* ---- guidance ------------------------------------------------------------------------------- */

static void add_item(Loop *loop, DenoisePrompt prompt, bool without_image, double weight)
{
    bool needed = prompt == DENOISE_POSITIVE && loop->run->cfg_rescale > 0;
    if (weight != 0 || needed)
        loop->items[loop->item_count++] = (Item){ prompt, without_image, weight };
}

/* What has no share in the answer is not computed. */
static void choose_items(Loop *loop)
{
    const DenoiseRun *run = loop->run;
    double            cfg = (double)run->cfg, image_cfg = (double)run->image_cfg;
    add_item(loop, DENOISE_POSITIVE, false, cfg);
    if (run->instruct) {
        add_item(loop, DENOISE_NEGATIVE, false, image_cfg - cfg);
        add_item(loop, DENOISE_NEGATIVE, true, 1 - image_cfg);
    } else {
        add_item(loop, DENOISE_NEGATIVE, false, 1 - cfg);
    }
}

static double deviation(const float *x, size_t count)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        mean += (double)x[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    return sqrt(squares / (double)count);
}

/* guided [c, h, w] = sum of weight * answer, towards the spread of the positive answer, which is
 * the first item. */
static void guide(const Loop *loop, float *guided)
{
    for (size_t i = 0; i < loop->count; i++) {
        double sum = 0;
        for (int item = 0; item < loop->item_count; item++)
            sum += loop->items[item].weight *
                   (double)loop->output.data[(size_t)item * loop->count + i];
        guided[i] = (float)sum;
    }
    double rescale = (double)loop->run->cfg_rescale;
    if (rescale > 0 && loop->count > 0) {
        double from = deviation(guided, loop->count);
        double to = deviation(loop->output.data, loop->count);
        double factor = from > 0 ? 1 - rescale + rescale * to / from : 1;
        for (size_t i = 0; i < loop->count; i++)
            guided[i] = (float)(factor * (double)guided[i]);
    }
}

/* ---- the model as the sampler sees it ------------------------------------------------------- */

static void fill_concat(const Loop *loop)
{
    Tensor concat = loop->run->concat;
    if (concat.n == 0 || loop->count == 0)
        return;
    for (int item = 0; item < loop->item_count; item++) {
        float *to = tensor_batch(loop->input, item, 1).data + loop->count;
        if (loop->items[item].without_image)
            memset(to, 0, tensor_count(concat) * sizeof *to);
        else
            memcpy(to, concat.data, tensor_count(concat) * sizeof *to);
    }
}

static bool estimate(void *user, float *denoised, const float *x, double sigma)
{
    Loop             *loop = user;
    const DenoiseRun *run = loop->run;
    double            threshold = 0, scale = 1 / sqrt(sigma * sigma + 1);
    float             times[MAX_ITEMS];
    DenoisePrompt     prompts[MAX_ITEMS];

    if (run->mask.n > 0) {
        threshold = mask_threshold(loop, sigma);
        keep_known(loop, loop->blended, x, threshold, sigma);
        x = loop->blended;
    }
    for (int item = 0; item < loop->item_count; item++) {
        float *to = tensor_batch(loop->input, item, 1).data;
        for (size_t i = 0; i < loop->count; i++)
            to[i] = (float)(scale * (double)x[i]);
        times[item] = (float)noise_levels_time(run->levels, sigma);
        prompts[item] = loop->items[item].prompt;
    }
    run->predict(run->user, loop->compute, loop->output, loop->input, times, prompts, loop->step);
    if (compute_stopped(loop->compute))
        return false;

    guide(loop, denoised);
    double of_x = run->v_prediction ? scale * scale : 1;
    double of_answer = run->v_prediction ? -sigma * scale : -sigma;
    for (size_t i = 0; i < loop->count; i++)
        denoised[i] = (float)(of_x * (double)x[i] + of_answer * (double)denoised[i]);
    if (run->mask.n > 0)
        keep_known(loop, denoised, denoised, threshold, 0);
    return true;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static float *take(Compute *compute, size_t count)
{
    return arena_take(compute->scratch, ARENA_LOW, count * sizeof(float));
}

static void start(const Loop *loop, float *x)
{
    const DenoiseRun *run = loop->run;
    for (size_t i = 0; i < loop->count; i++) {
        double from = run->from_source ? (double)run->source.data[i] : 0;
        x[i] = (float)(from + run->sigmas[0] * (double)run->noise.data[i]);
    }
}

static bool report(const Loop *loop, Tensor latents, float *denoised)
{
    const DenoiseRun *run = loop->run;
    if (!run->report)
        return true;
    Tensor newest = loop->step == 0 ? (Tensor){ 0 } : latents;
    newest.data = denoised;
    return run->report(run->user, loop->step, latents, newest);
}

static bool has_enough(const Loop *loop)
{
    const DenoiseRun *run = loop->run;
    bool              between = loop->step > 0 && loop->step < run->steps;
    return between && loop->count > 0 && run->enough && run->enough(run->user);
}

bool denoise(Compute *compute, Tensor latents, const DenoiseRun *run)
{
    bool      dry = compute_dry(compute), ok = false, early = false;
    ArenaMark mark = arena_mark(compute->scratch);
    Loop      loop = { .compute = compute, .run = run };
    size_t    count = tensor_count(latents);

    assert(latents.n == 1 && run->steps >= 1 && run->sigmas[run->steps] == 0);
    assert(run->source.n == 1 || (!run->from_source && run->mask.n == 0));
    loop.count = dry ? 0 : count;
    loop.plane = dry ? 0 : (size_t)latents.h * (size_t)latents.w;
    loop.time_from = noise_levels_time(run->levels, run->sigmas[0]);
    loop.time_to = noise_levels_time(run->levels, run->sigmas[run->steps - 1]);
    choose_items(&loop);
    int in_channels = latents.c + (run->concat.n > 0 ? run->concat.c : 0);
    loop.input = tensor_new(compute, ARENA_LOW, loop.item_count, in_channels, latents.h, latents.w);
    loop.output = tensor_new(compute, ARENA_LOW, loop.item_count, latents.c, latents.h, latents.w);
    if (run->mask.n > 0)
        loop.blended = take(compute, count);
    float *memory = take(compute, (size_t)sampler_buffer_count(run->sampler) * count);

    Sampler sampler;
    sampler_init(&sampler, run->sampler, memory, loop.count, run->random, estimate, &loop);
    fill_concat(&loop);
    start(&loop, latents.data);
    if (!report(&loop, latents, NULL))
        goto done;
    while (loop.step < run->steps && !early) {
        const double *sigmas = run->sigmas + loop.step;
        bool          whole = sampler_step(&sampler, latents.data, sigmas[0], sigmas[1]);
        loop.step += whole;
        if (loop.step == run->steps && run->mask.n > 0) /* whatever the sampler made of the rest */
            keep_known(&loop, latents.data, latents.data, 0, 0);
        if (whole && !report(&loop, latents, sampler.denoised))
            goto done;
        early = has_enough(&loop);
        if (!whole && !early)
            goto done;
    }
    if (early) /* what is known has been put back there */
        memcpy(latents.data, sampler.denoised, count * sizeof *latents.data);
    ok = true;
done:
    arena_rewind(compute->scratch, mark);
    return ok;
}
