/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoise.h"

#include <assert.h>
#include <math.h>

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
    Item              items[MAX_ITEMS];
    int               item_count;
    bool              guided; /* the items are those of guidance, not the prompt alone */
    int               step;
    Tensor            input;  /* [items, c + concat channels, h, w] */
    Tensor            output; /* [items, c, h, w] */
    Tensor            blended; /* [1, c, h, w]: x with what is known put back; with a mask only */
    double            time_from, time_to; /* of the first and the last call with a sigma above 0 */
} Loop;

/* ---- soft mask ------------------------------------------------------------------------------ */

/* From which share of the run on a pixel is painted, against how far it has come: 1 at the first
 * call, 0 at the last. */
static double mask_threshold(const Loop *loop, double sigma)
{
    if (loop->time_from <= loop->time_to)
        return 0;
    double time = noise_levels_time(loop->run->levels, sigma);
    return (time - loop->time_to) / (loop->time_from - loop->time_to);
}

/* y = x where the mask paints, source + amount * noise elsewhere; y may be x. */
static void put_known(const Loop *loop, Tensor y, Tensor x, double threshold, double amount)
{
    const DenoiseRun *run = loop->run;
    keep_known(loop->compute, y, x, run->mask, run->source, run->noise, threshold, amount);
}

/* ---- guidance ------------------------------------------------------------------------------- */

/* The positive answer is the first item, and is there with share 0 too where its spread is asked
 * for. */
static void add_item(Loop *loop, DenoisePrompt prompt, bool without_image, double weight)
{
    bool needed = prompt == DENOISE_POSITIVE && loop->run->request->cfg_rescale > 0;
    if (weight != 0 || needed)
        loop->items[loop->item_count++] = (Item){ prompt, without_image, weight };
}

/* Whether this step is guided.  As A1111 has it, a step that begins at guidance_start is not yet; shares
 * are floats, and a float's 0.1 is not the tenth that a step begins at. */
static bool guidance_holds(const Loop *loop)
{
    const double         slack = 1e-6;
    const EngineRequest *request = loop->run->request;
    double               share = (double)loop->step / loop->run->steps;
    bool early = request->guidance_start > 0 && share <= (double)request->guidance_start + slack;
    bool late = request->guidance_end < 1 && share >= (double)request->guidance_end - slack;
    return !early && !late;
}

/* What has no share in the answer is not computed. */
static void choose_items(Loop *loop, bool guided)
{
    const DenoiseRun *run = loop->run;
    double            cfg = (double)run->request->cfg, image_cfg = (double)run->request->image_cfg;
    loop->guided = guided;
    loop->item_count = 0;
    if (!guided || run->told) {
        add_item(loop, DENOISE_POSITIVE, false, 1);
        return;
    }
    add_item(loop, DENOISE_POSITIVE, false, cfg);
    if (run->instruct) {
        add_item(loop, DENOISE_NEGATIVE, false, image_cfg - cfg);
        add_item(loop, DENOISE_NEGATIVE, true, 1 - image_cfg);
    } else {
        /* At cfg 1 this has no share, and a step takes half the time. */
        add_item(loop, DENOISE_NEGATIVE, false, 1 - cfg);
    }
}

/* guided [1, c, h, w] = sum of weight * answer, towards the spread of the positive answer, which is
 * the first item. */
static void guide(const Loop *loop, Tensor guided)
{
    Compute *compute = loop->compute;
    double   rescale = (double)loop->run->request->cfg_rescale;
    Term     terms[MAX_ITEMS];
    for (int item = 0; item < loop->item_count; item++)
        terms[item] = (Term){ loop->items[item].weight, tensor_batch(loop->output, item, 1) };
    combine(compute, guided, terms, loop->item_count);
    if (rescale > 0 && loop->guided) {
        double from = deviation(compute, guided), to = deviation(compute, terms[0].x);
        double factor = from > 0 ? 1 - rescale + rescale * to / from : 1;
        combine(compute, guided, &(Term){ factor, guided }, 1);
    }
}

/* ---- the model as the sampler sees it ------------------------------------------------------- */

static void fill_concat(const Loop *loop)
{
    Tensor concat = loop->run->concat;
    for (int item = 0; item < loop->item_count && concat.n > 0; item++) {
        Tensor to = tensor_channels(tensor_batch(loop->input, item, 1), loop->output.c, concat.c);
        if (loop->items[item].without_image)
            fill(loop->compute, to, 0);
        else
            copy(loop->compute, to, concat);
    }
}

/* The sampler's question, answered by the network: x scaled as it was trained, once for each item,
 * and their answers joined to one estimate of x0. Where a mask keeps the source, the network sees
 * it with the noise of this level, and the estimate is the source itself. */
static bool estimate(void *user, Tensor denoised, Tensor x, double sigma)
{
    Loop             *loop = user;
    const DenoiseRun *run = loop->run;
    double            threshold = 0;
    NoiseScalings     scale = noise_levels_scalings(run->levels, sigma);
    float             times[MAX_ITEMS];
    DenoisePrompt     prompts[MAX_ITEMS];

    /* What stands behind x is the same in all steps: it is written again only where items
     * change. */
    if (guidance_holds(loop) != loop->guided) {
        choose_items(loop, !loop->guided);
        fill_concat(loop);
    }
    if (run->mask.n > 0) {
        threshold = mask_threshold(loop, sigma);
        put_known(loop, loop->blended, x, threshold, sigma);
        x = loop->blended;
    }
    for (int item = 0; item < loop->item_count; item++) {
        Tensor to = tensor_channels(tensor_batch(loop->input, item, 1), 0, x.c);
        combine(loop->compute, to, &(Term){ scale.input, x }, 1);
        times[item] = (float)scale.time;
        prompts[item] = loop->items[item].prompt;
    }
    run->predict(run->user, loop->compute, tensor_batch(loop->output, 0, loop->item_count),
                 tensor_batch(loop->input, 0, loop->item_count), times, prompts, loop->step);
    if (compute_stopped(loop->compute))
        return false;

    guide(loop, denoised);
    combine(loop->compute, denoised, (Term[]){ { scale.skip, x }, { scale.output, denoised } }, 2);
    if (run->mask.n > 0)
        put_known(loop, denoised, denoised, threshold, 0);
    return true;
}

/* ---- the loop ------------------------------------------------------------------------------- */

/* The source with the first level's noise, or the noise alone. */
static void start(const Loop *loop, Tensor x)
{
    const DenoiseRun *run = loop->run;
    Term              noise = { run->sigmas[0], run->noise };
    if (run->from_source)
        combine(loop->compute, x, (Term[]){ { 1, run->source }, noise }, 2);
    else
        combine(loop->compute, x, &noise, 1);
}

static bool report(const Loop *loop, Tensor latents, Tensor denoised)
{
    const DenoiseRun *run = loop->run;
    return !run->report || run->report(run->user, loop->step, latents, denoised);
}

static bool has_enough(const Loop *loop)
{
    const DenoiseRun *run = loop->run;
    bool              between = loop->step > 0 && loop->step < run->steps;
    return between && !compute_dry(loop->compute) && run->enough && run->enough(run->user);
}

bool denoise(Compute *compute, Tensor latents, const DenoiseRun *run)
{
    bool      ok = false, early = false;
    ArenaMark mark = arena_mark(compute->scratch);
    Loop      loop = { .compute = compute, .run = run };
    int       c = latents.c, h = latents.h, w = latents.w;

    assert(latents.n == 1 && run->steps >= 1 && run->sigmas[run->steps] == 0);
    assert(run->source.n == 1 || (!run->from_source && run->mask.n == 0));
    loop.time_from = noise_levels_time(run->levels, run->sigmas[0]);
    loop.time_to = noise_levels_time(run->levels, run->sigmas[run->steps - 1]);
    choose_items(&loop, true); /* the most there are */
    int behind = run->concat.n > 0 ? run->concat.c : 0;
    loop.input = tensor_new(compute, ARENA_LOW, loop.item_count, c + behind, h, w);
    loop.output = tensor_new(compute, ARENA_LOW, loop.item_count, c, h, w);
    if (run->mask.n > 0)
        loop.blended = tensor_new(compute, ARENA_LOW, 1, c, h, w);
    Tensor memory =
        tensor_new(compute, ARENA_LOW, sampler_buffer_count(run->sampler), c, h, w);

    Sampler sampler;
    sampler_init(&sampler, run->sampler, compute, memory, run->random, estimate, &loop);
    fill_concat(&loop);
    start(&loop, latents);
    if (!report(&loop, latents, (Tensor){ 0 }))
        goto done;
    /* A step that was broken off has written nothing of use; `enough` may end the run with what the
     * step before left, and only it may. */
    while (loop.step < run->steps && !early) {
        const double *sigmas = run->sigmas + loop.step;
        bool          whole = sampler_step(&sampler, latents, sigmas[0], sigmas[1]);
        loop.step += whole;
        if (loop.step == run->steps && run->mask.n > 0) /* whatever the sampler made of the rest */
            put_known(&loop, latents, latents, 0, 0);
        if (whole && !report(&loop, latents, sampler.denoised))
            goto done;
        early = has_enough(&loop);
        if (!whole && !early)
            goto done;
    }
    if (early) /* what is known has been put back there */
        copy(compute, latents, sampler.denoised);
    ok = true;
done:
    arena_rewind(compute->scratch, mark);
    return ok;
}
