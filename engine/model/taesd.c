/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TAESD: see vae.h. Layers are numbered as in its author's taesd.py. */
#include "vae.h"

#include "unet_blocks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 64, MAX_LAYERS = 20 };

/* relu(conv(relu(conv(relu(conv(x))))) + x) */
typedef struct {
    Conv conv[3];
} Block;

typedef enum { LAYER_NONE, LAYER_CONV, LAYER_HALVE, LAYER_DOUBLE, LAYER_BLOCK } LayerKind;

/* What stands at each index: c a convolution, h one of stride 2, u an upsampling whose convolution
 * has the next index, b a block, - nothing of its own. */
static const char encoder_layers[] = "cbhbbbhbbbhbbbc";
static const char decoder_layers[] = "-c-bbbu-bbbu-bbbu-bc";

typedef struct {
    LayerKind kind;
    Conv      conv;
    Block     block;
} Layer;

struct Taesd {
    Layer encoder[MAX_LAYERS], decoder[MAX_LAYERS];
    bool  can_encode, can_decode;
};

static bool bind_conv(Conv *conv, const Checkpoint *checkpoint, const char *name, int in, int out,
                      bool bias, EngineError *error)
{
    if (bias)
        return conv_bind(conv, checkpoint, PART_TAESD, name, in, out, 3, error);
    char weight[96];
    snprintf(weight, sizeof weight, "%.80s.weight", name);
    conv->bias = (Weight){ 0 };
    return checkpoint_bind(checkpoint, PART_TAESD, weight, &conv->weight, out, in, 3, 3, error);
}

static bool bind_layers(Layer *layers, const char *plan, const char *side, int in, int out,
                        const Checkpoint *checkpoint, EngineError *error)
{
    char name[96];
    int  count = (int)strlen(plan);
    for (int i = 0; i < count; i++) {
        Layer *layer = &layers[i];
        bool   first = plan[i] == 'c' && i <= 1, last = i == count - 1;
        switch (plan[i]) {
        case 'c':
            layer->kind = LAYER_CONV;
            snprintf(name, sizeof name, "%s.%d", side, i);
            if (!bind_conv(&layer->conv, checkpoint, name, first ? in : WIDTH, last ? out : WIDTH,
                           true, error))
                return false;
            break;
        case 'h':
        case 'u':
            layer->kind = plan[i] == 'h' ? LAYER_HALVE : LAYER_DOUBLE;
            snprintf(name, sizeof name, "%s.%d", side, plan[i] == 'h' ? i : i + 1);
            if (!bind_conv(&layer->conv, checkpoint, name, WIDTH, WIDTH, false, error))
                return false;
            break;
        case 'b':
            layer->kind = LAYER_BLOCK;
            for (int k = 0; k < 3; k++) {
                snprintf(name, sizeof name, "%s.%d.conv.%d", side, i, 2 * k);
                if (!bind_conv(&layer->block.conv[k], checkpoint, name, WIDTH, WIDTH, true, error))
                    return false;
            }
            break;
        default: layer->kind = LAYER_NONE;
        }
    }
    return true;
}

Taesd *taesd_create(const Checkpoint *checkpoint, EngineError *error)
{
    Taesd *taesd = calloc(1, sizeof *taesd);
    if (!taesd) {
        fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the preview model.");
        return NULL;
    }
    taesd->can_encode = checkpoint_has(checkpoint, PART_TAESD, "encoder.0.weight", NULL);
    taesd->can_decode = checkpoint_has(checkpoint, PART_TAESD, "decoder.1.weight", NULL);
    if ((taesd->can_encode &&
         !bind_layers(taesd->encoder, encoder_layers, "encoder", 3, 4, checkpoint, error)) ||
        (taesd->can_decode &&
         !bind_layers(taesd->decoder, decoder_layers, "decoder", 4, 3, checkpoint, error))) {
        taesd_destroy(taesd);
        return NULL;
    }
    return taesd;
}

void taesd_destroy(Taesd *taesd)
{
    free(taesd);
}

bool taesd_can_decode(const Taesd *taesd)
{
    return taesd->can_decode;
}

bool taesd_can_encode(const Taesd *taesd)
{
    return taesd->can_encode;
}

/* y = relu(conv3(relu(conv2(relu(conv1(x))))) + x) */
static void block_forward(Compute *compute, const Block *block, Tensor y, Tensor x)
{
    ArenaMark    mark = arena_mark(compute->scratch);
    Tensor       a = tensor_new(compute, ARENA_HIGH, 1, WIDTH, x.h, x.w);
    Tensor       b = tensor_new(compute, ARENA_HIGH, 1, WIDTH, x.h, x.w);
    ConvSettings relu = { .stride = 1, .before = ACTIVATION_RELU };
    conv2d(compute, a, x, &block->conv[0], &(ConvSettings){ .stride = 1 });
    conv2d(compute, b, a, &block->conv[1], &relu);
    if (!compute_dry(compute))
        memcpy(y.data, x.data, tensor_count(x) * sizeof(float));
    relu.accumulate = true;
    conv2d(compute, y, b, &block->conv[2], &relu);
    activate(compute, y.data, y.data, tensor_count(y), ACTIVATION_RELU);
    arena_rewind(compute->scratch, mark);
}

/* Runs the layers from x to out; the activations between go to and fro between two buffers. */
static void run(Compute *compute, const Layer *layers, const char *plan, Tensor out, Tensor x,
                int largest_h, int largest_w)
{
    ArenaMark mark = arena_mark(compute->scratch);
    float    *buffers[2];
    int       turn = 0, count = (int)strlen(plan);
    for (int i = 0; i < 2; i++)
        buffers[i] = tensor_new(compute, ARENA_LOW, 1, WIDTH, largest_h, largest_w).data;
    for (int i = 0; i < count; i++) {
        const Layer *layer = &layers[i];
        Tensor       y = tensor_view(buffers[turn], 1, WIDTH, x.h, x.w);
        ConvSettings settings = { .stride = 1 };
        switch (layer->kind) {
        case LAYER_NONE: continue;
        case LAYER_CONV:
            if (i == count - 1)
                y = out;
            conv2d(compute, y, x, &layer->conv, &settings);
            if (i == 1) /* the decoder's first one has a relu behind it */
                activate(compute, y.data, y.data, tensor_count(y), ACTIVATION_RELU);
            break;
        case LAYER_HALVE:
            y.h = (x.h + 1) / 2;
            y.w = (x.w + 1) / 2;
            settings.stride = 2;
            conv2d(compute, y, x, &layer->conv, &settings);
            break;
        case LAYER_DOUBLE:
            y.h = 2 * x.h;
            y.w = 2 * x.w;
            settings.upsample = true;
            conv2d(compute, y, x, &layer->conv, &settings);
            break;
        case LAYER_BLOCK: block_forward(compute, &layer->block, y, x); break;
        }
        x = y;
        turn = 1 - turn;
    }
    arena_rewind(compute->scratch, mark);
}

void taesd_decode(Compute *compute, const Taesd *taesd, Tensor picture, Tensor latents)
{
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    bounded = tensor_new(compute, ARENA_LOW, 1, latents.c, latents.h, latents.w);
    size_t    count = tensor_count(latents), pixels = tensor_count(picture);
    for (size_t i = 0; i < count && !compute_dry(compute); i++)
        bounded.data[i] = 3 * tanhf(latents.data[i] / 3);
    run(compute, taesd->decoder, decoder_layers, picture, bounded, picture.h, picture.w);
    for (size_t i = 0; i < pixels && !compute_dry(compute); i++)
        picture.data[i] = 2 * picture.data[i] - 1;
    arena_rewind(compute->scratch, mark);
}

void taesd_encode(Compute *compute, const Taesd *taesd, Tensor latents, Tensor picture)
{
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    bright = tensor_new(compute, ARENA_LOW, 1, 3, picture.h, picture.w);
    size_t    pixels = tensor_count(picture);
    for (size_t i = 0; i < pixels && !compute_dry(compute); i++)
        bright.data[i] = 0.5f + 0.5f * picture.data[i];
    run(compute, taesd->encoder, encoder_layers, latents, bright, picture.h, picture.w);
    arena_rewind(compute->scratch, mark);
}
