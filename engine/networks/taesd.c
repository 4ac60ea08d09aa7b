/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TAESD: see vae.h. Layers are numbered as in its author's taesd.py; any width, any
 * number of blocks. */
#include "vae.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_LAYERS = 48 }; /* the author's have 15 and 20 */

/* relu(conv(relu(conv(relu(conv(x))))) + x) */
typedef struct {
    Conv conv[3];
} Block;

typedef enum { LAYER_NONE, LAYER_CONV, LAYER_RESIZE, LAYER_BLOCK } LayerKind;

typedef struct {
    LayerKind kind;
    Conv      conv; /* without a bias where it halves the picture, or follows its doubling */
    Block     block;
} Layer;

typedef struct {
    Layer layers[MAX_LAYERS];
    int   count, width;
    bool  up;   /* resizing doubles */
    bool  more; /* layers than fit */
} Half;

struct Taesd {
    Half encoder, decoder;
    bool can_encode, can_decode;
};

static bool has(const Checkpoint *checkpoint, const char *name, const char *suffix,
                int shape[TENSOR_MAX_RANK])
{
    char whole[96];
    snprintf(whole, sizeof whole, "%s.%s", name, suffix);
    return checkpoint_has(checkpoint, PART_TAESD, whole, shape);
}

/* What stands at each number, and how wide the network is, the tensors tell: numbers without any
 * are activations and upsampling. */
static void read_layers(Half *half, const Checkpoint *checkpoint, const char *side)
{
    char name[64];
    int  shape[TENSOR_MAX_RANK] = { 0 };
    for (int i = 0; i < MAX_LAYERS; i++) {
        Layer *layer = &half->layers[i];
        snprintf(name, sizeof name, "%s.%d", side, i);
        if (has(checkpoint, name, "conv.0.weight", NULL))
            layer->kind = LAYER_BLOCK;
        else if (has(checkpoint, name, "weight", shape))
            layer->kind = has(checkpoint, name, "bias", NULL) ? LAYER_CONV : LAYER_RESIZE;
        else
            continue;
        half->count = i + 1;
        if (half->width == 0 && layer->kind != LAYER_BLOCK)
            half->width = shape[0]; /* of the first convolution */
    }
    snprintf(name, sizeof name, "%s.%d", side, MAX_LAYERS);
    half->more = has(checkpoint, name, "conv.0.weight", NULL) || has(checkpoint, name, "weight", NULL);
}

/* A convolution first and last, three changes of size: what run() relies on. */
static void check_layers(const Half *half, Binder *binder, const char *side)
{
    int  resized = 0, first = 0;
    bool last = half->layers[half->count - 1].kind == LAYER_CONV;
    while (first < half->count - 1 && half->layers[first].kind == LAYER_NONE)
        first++;
    for (int i = 0; i < half->count; i++)
        resized += half->layers[i].kind == LAYER_RESIZE;
    if (half->layers[first].kind != LAYER_CONV || !last || resized != 3)
        binder_fault(binder,
                     "the TAESD's %s changes the size %d times, not 3, or does not begin and end with a "
                     "convolution",
                     side, resized);
    if (half->more)
        binder_fault(binder, "the TAESD's %s has more than %d layers", side, MAX_LAYERS);
}

static void bind_half(Half *half, Binder *binder, const char *side, int in, int out)
{
    bool first = true;
    half->up = out == 3;
    read_layers(half, binder->checkpoint, side);
    for (int i = 0; i < half->count; i++) {
        Layer *layer = &half->layers[i];
        int    width = half->width, from = first ? in : width, to = i == half->count - 1 ? out : width;
        if (layer->kind == LAYER_CONV)
            binder_conv(binder, &layer->conv, from, to, 3, "%s.%d", side, i);
        for (int k = 0; k < 3 && layer->kind == LAYER_BLOCK; k++)
            binder_conv(binder, &layer->block.conv[k], width, width, 3, "%s.%d.conv.%d", side, i, 2 * k);
        if (layer->kind == LAYER_RESIZE)
            binder_weight(binder, &layer->conv.weight, width, width, 3, 3, "%s.%d.weight", side, i);
        first = first && layer->kind == LAYER_NONE;
    }
    check_layers(half, binder, side);
}

Taesd *taesd_create(const Checkpoint *checkpoint, EngineError *error)
{
    Binder binder;
    binder_init(&binder, checkpoint, PART_TAESD);
    Taesd *taesd = binder_new(&binder, 1, sizeof *taesd);
    if (taesd) {
        taesd->can_encode = checkpoint_has(checkpoint, PART_TAESD, "encoder.0.weight", NULL);
        taesd->can_decode = checkpoint_has(checkpoint, PART_TAESD, "decoder.1.weight", NULL);
        if (taesd->can_encode)
            bind_half(&taesd->encoder, &binder, "encoder", 3, TAESD_CHANNELS);
        if (taesd->can_decode)
            bind_half(&taesd->decoder, &binder, "decoder", TAESD_CHANNELS, 3);
    }
    if (binder_finish(&binder, error))
        return taesd;
    taesd_destroy(taesd);
    return NULL;
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
    Tensor       a = tensor_new(compute, ARENA_HIGH, 1, x.c, x.h, x.w);
    Tensor       b = tensor_new(compute, ARENA_HIGH, 1, x.c, x.h, x.w);
    /* The relu behind a convolution is applied as the next one reads: nothing is stored twice.  y
     * is written by copy() first, so that it may not be x. */
    ConvSettings relu = { .stride = 1, .before = ACTIVATION_RELU };
    conv2d(compute, a, x, &block->conv[0], &(ConvSettings){ .stride = 1 });
    conv2d(compute, b, a, &block->conv[1], &relu);
    copy(compute, y, x);
    relu.accumulate = true;
    conv2d(compute, y, b, &block->conv[2], &relu);
    activate(compute, y, y, ACTIVATION_RELU);
    arena_rewind(compute->scratch, mark);
}

/* Runs the layers from x to out; the activations between go to and fro between two buffers. */
static void run(Compute *compute, const Half *half, Tensor out, Tensor x, int largest_h,
                int largest_w)
{
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    buffers[2];
    int       turn = 0;
    /* Both as large as the largest activation: 256 MiB each at 1024 x 1024 with the author's 64
     * channels. */
    for (int i = 0; i < 2; i++)
        buffers[i] = tensor_new(compute, ARENA_LOW, 1, half->width, largest_h, largest_w);
    for (int i = 0; i < half->count; i++) {
        const Layer *layer = &half->layers[i];
        int          h = x.h, w = x.w;
        ConvSettings settings = { .stride = 1 };
        if (layer->kind == LAYER_NONE)
            continue;
        if (layer->kind == LAYER_RESIZE) {
            h = half->up ? 2 * x.h : (x.h + 1) / 2;
            w = half->up ? 2 * x.w : (x.w + 1) / 2;
        }
        Tensor y = tensor_as(buffers[turn], 1, half->width, h, w);
        if (layer->kind == LAYER_BLOCK) {
            block_forward(compute, &layer->block, y, x);
        } else if (layer->kind == LAYER_RESIZE) {
            settings.upsample = half->up;
            settings.stride = half->up ? 1 : 2;
            conv2d(compute, y, x, &layer->conv, &settings);
        } else {
            if (i == half->count - 1)
                y = out;
            conv2d(compute, y, x, &layer->conv, &settings);
            if (half->up && i < half->count - 1) /* the decoder's first one has a relu behind it */
                activate(compute, y, y, ACTIVATION_RELU);
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
    /* 3 tanh(x / 3), the author's Clamp: it is the decoder's layer 0, which has no tensors. */
    map(compute, bounded, latents, MAP_SOFT_BOUND, 3, 0);
    run(compute, &taesd->decoder, picture, bounded, picture.h, picture.w);
    map(compute, picture, picture, MAP_LINEAR, 2, -1); /* 0 … 1 -> -1 … 1 */
    arena_rewind(compute->scratch, mark);
}

void taesd_encode(Compute *compute, const Taesd *taesd, Tensor latents, Tensor picture)
{
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    bright = tensor_new(compute, ARENA_LOW, 1, 3, picture.h, picture.w);
    map(compute, bright, picture, MAP_LINEAR, 0.5f, 0.5f); /* -1 … 1 -> 0 … 1 */
    run(compute, &taesd->encoder, latents, bright, picture.h, picture.w);
    arena_rewind(compute->scratch, mark);
}
