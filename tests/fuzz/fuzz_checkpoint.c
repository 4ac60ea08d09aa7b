/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a model: what kind it is, its config, and what is wrong with it.  Then every network is bound
 * and rehearsed, whatever the verdict: a network refuses for itself what it cannot run, and a dry run passes
 * each layer's shapes without computing. */
#include "fuzz.h"

#include "compute/cpu/cpu.h"
#include "compute/dry.h"
#include "networks/clip.h"
#include "networks/denoiser.h"
#include "networks/vae.h"
#include "weights/kind.h"

#include <stdlib.h>

enum { SIDE = 3 }; /* of latents: odd, so that halves do not meet */

/* Something of this size that nobody reads. */
static Tensor nothing(int n, int c, int h, int w)
{
    return tensor_at(NULL, 0, TYPE_F32, n, c, h, w);
}

static void check(bool created, const EngineError *error)
{
    if (created != (error->status == ENGINE_OK))
        abort();
}

static void denoise(Compute *compute, const Checkpoint *checkpoint, const ModelConfig *config,
                    bool runnable)
{
    EngineError          error = { ENGINE_OK, "" };
    DenoiserCapabilities can = denoiser_capabilities(config);
    Denoiser            *denoiser = denoiser_create(checkpoint, config, &error);
    check(denoiser, &error);
    if (runnable && !denoiser)
        abort();
    if (denoiser) {
        Tensor        context = nothing(1, 1, CONFIG_TEXT_TOKENS, can.context_width);
        Tensor        contexts[2] = { context, context };
        DenoiserInput input = { .latents = nothing(2, can.input_channels, SIDE, SIDE + 1),
                                .times = (float[2]){ 0 }, .contexts = contexts };
        if (can.label_width)
            input.labels = nothing(1, 1, 2, can.label_width);
        denoiser_predict(compute, denoiser, nothing(2, can.latent_channels, SIDE, SIDE + 1), &input);
    }
    denoiser_destroy(denoiser);
}

static void encode(Compute *compute, const Checkpoint *checkpoint, const ModelConfig *config,
                   bool runnable)
{
    for (int i = 0; i < config->text_count; i++) {
        EngineError error = { ENGINE_OK, "" };
        Clip *clip = clip_create(checkpoint, i ? PART_TEXT_2 : PART_TEXT, &config->text[i], &error);
        check(clip, &error);
        if (runnable && !clip)
            abort();
        int width = config->text[i].projection;
        if (clip)
            clip_forward(compute, clip, nothing(1, 1, CONFIG_TEXT_TOKENS, config->text[i].width),
                         width ? nothing(1, 1, 1, width) : (Tensor){ 0 }, (int[CONFIG_TEXT_TOKENS]){ 0 }, 0);
        clip_destroy(clip);
    }
}

static void picture(Compute *compute, const Checkpoint *checkpoint, const ModelConfig *config,
                    bool runnable)
{
    EngineError error = { ENGINE_OK, "" };
    Vae        *vae = vae_create(checkpoint, &config->vae, &error);
    check(vae, &error);
    if (runnable && !vae)
        abort();
    if (vae) {
        int z = config->vae.z_channels, side = SIDE * vae_factor(vae);
        vae_decode(compute, vae, nothing(1, 3, side, side), nothing(1, z, SIDE, SIDE), false, true);
        if (config->vae.has_encoder)
            vae_encode(compute, vae, nothing(1, 2 * z, SIDE, SIDE), nothing(1, 3, side, side), true, false);
    }
    vae_destroy(vae);
}

static void preview(Compute *compute, const Checkpoint *checkpoint)
{
    EngineError error = { ENGINE_OK, "" };
    Taesd      *taesd = taesd_create(checkpoint, &error);
    Tensor      latents = nothing(1, TAESD_CHANNELS, SIDE, SIDE);
    Tensor      pixels = nothing(1, 3, SIDE * TAESD_FACTOR, SIDE * TAESD_FACTOR);
    check(taesd, &error);
    if (taesd && taesd_can_decode(taesd))
        taesd_decode(compute, taesd, pixels, latents);
    if (taesd && taesd_can_encode(taesd))
        taesd_encode(compute, taesd, latents, pixels);
    taesd_destroy(taesd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    EngineError  error = { ENGINE_OK, "" }, why = { ENGINE_OK, "" };
    Safetensors *file = safetensors_from_memory("fuzz", size ? bytes : (const uint8_t *)"", size, &error);
    Checkpoint  *checkpoint = file ? checkpoint_from_file(file, &error) : NULL;
    ModelConfig  config;
    static Threads *threads; /* for all inputs */
    if (!threads && !(threads = threads_create(1)))
        abort();
    if (!checkpoint)
        return 0;
    ModelKind kind = kind_of(checkpoint);
    bool      runnable = config_from_checkpoint(&config, checkpoint, &why);
    if (runnable != (why.status == ENGINE_OK) || (runnable && kind.kind != ENGINE_FILE_CHECKPOINT))
        abort();
    Cpu   cpu;
    Dry   dry;
    Arena arena;
    if (!cpu_init(&cpu, threads, NULL, &error))
        abort();
    dry_init(&dry, &cpu.device);
    if (!arena_init(&arena, &dry.device, 0))
        abort();
    Compute compute = { .scratch = &arena };
    denoise(&compute, checkpoint, &config, runnable);
    encode(&compute, checkpoint, &config, runnable);
    picture(&compute, checkpoint, &config, runnable);
    if (config.has_taesd)
        preview(&compute, checkpoint);
    if (arena.low != 0 || arena.high != 0)
        abort();
    arena_finish(&arena);
    checkpoint_close(checkpoint);
    return 0;
}
