/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoiser.h"

#include "unet.h"

#include <stdlib.h>

/* What each function of denoiser.h of that name is for one kind of network.  weights is that
 * network's own struct, made by create() and freed by destroy(). */
typedef struct {
    DenoiserCapabilities (*capabilities)(const ModelConfig *config);
    void (*collect)(Binder *binder, const ModelConfig *config);
    void *(*create)(const Checkpoint *checkpoint, const ModelConfig *config, EngineError *error);
    void (*destroy)(void *weights);
    void (*predict)(Compute *compute, const void *weights, Tensor out, const DenoiserInput *input);
} Network;

struct Denoiser {
    const Network *network;
    void          *weights; /* owned */
};

/* ---- U-Net ------------------------------------------------------------------------------------ */

/* What stands behind the latents in a U-Net's input tells what it was trained for: the hole and the
 * latents around it, or the latents of the picture to change. */
static DenoiserCapabilities unet_capabilities(const ModelConfig *config)
{
    const UnetConfig    *unet = &config->unet;
    int                  z = unet->out_channels, more = unet->in_channels - z;
    DenoiserCapabilities can = {
        .network = "U-Net",
        .hole = more == z + 1,
        .instruction = more == z,
        .guidance = unet->guidance_width > 0,
        .latent_channels = z,
        .input_channels = unet->in_channels,
        .multiple = 1,
        .context_width = unet->context_width,
        .label_width = unet->adm_width,
        .text_count = config->text_count,
    };
    for (int i = 0; i < config->text_count; i++)
        can.text[i] = (DenoiserText){ config->text[i].width, CONFIG_TEXT_TOKENS, config->text[i].tokenizer };
    return can;
}

static void collect_unet(Binder *binder, const ModelConfig *config)
{
    const UnetConfig *unet = &config->unet;
    int               z = unet->out_channels;
    unet_collect(binder, unet);
    if (unet->in_channels != z && unet->in_channels != 2 * z && unet->in_channels != 2 * z + 1)
        binder_fault(binder,
                     "the U-Net takes %d channels; %d (base), %d (instruct) and %d (inpaint) are known",
                     unet->in_channels, z, 2 * z, 2 * z + 1);
}

static void *create_unet(const Checkpoint *checkpoint, const ModelConfig *config, EngineError *error)
{
    return unet_create(checkpoint, &config->unet, error);
}

static void destroy_unet(void *unet)
{
    unet_destroy(unet);
}

static void predict_unet(Compute *compute, const void *unet, Tensor out, const DenoiserInput *input)
{
    unet_forward(compute, unet, out, input->latents, input->times, input->contexts, input->labels,
                 input->guidance, input->wrap_x, input->wrap_y);
}

/* ---- all of them ------------------------------------------------------------------------------ */

static const Network networks[DENOISER_KIND_COUNT] = {
    [DENOISER_UNET] = { unet_capabilities, collect_unet, create_unet, destroy_unet, predict_unet },
};

DenoiserCapabilities denoiser_capabilities(const ModelConfig *config)
{
    return networks[config->denoiser].capabilities(config);
}

void denoiser_collect(Binder *binder, const ModelConfig *config)
{
    networks[config->denoiser].collect(binder, config);
}

Denoiser *denoiser_create(const Checkpoint *checkpoint, const ModelConfig *config, EngineError *error)
{
    Denoiser *denoiser = malloc(sizeof *denoiser);
    if (!denoiser) {
        fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the model.");
        return NULL;
    }
    denoiser->network = &networks[config->denoiser];
    denoiser->weights = denoiser->network->create(checkpoint, config, error);
    if (denoiser->weights)
        return denoiser;
    denoiser_destroy(denoiser);
    return NULL;
}

void denoiser_destroy(Denoiser *denoiser)
{
    if (!denoiser)
        return;
    if (denoiser->weights)
        denoiser->network->destroy(denoiser->weights);
    free(denoiser);
}

void denoiser_predict(Compute *compute, const Denoiser *denoiser, Tensor out, const DenoiserInput *input)
{
    denoiser->network->predict(compute, denoiser->weights, out, input);
}
