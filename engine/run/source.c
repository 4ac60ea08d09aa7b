/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "source.h"

#include "latents.h"

bool source_is_start(const Engine *engine, const EngineRequest *request)
{
    return request->source && (!engine->can.instruction || request->mask);
}

Source source_new(Compute *compute, const Engine *engine, const EngineRequest *request)
{
    Source source = { 0 };
    int  z = engine->config.vae.z_channels;
    int  h = request->height / engine->factor, w = request->width / engine->factor;
    bool start = source_is_start(engine, request);
    if (engine->can.hole || engine->can.instruction)
        source.extra = tensor_new(compute, ARENA_LOW, 1, engine->can.hole ? 1 + z : z, h, w);
    if (start)
        source.latents = tensor_new(compute, ARENA_LOW, 1, z, h, w);
    if (start && request->mask)
        source.mask = tensor_new(compute, ARENA_LOW, 1, 1, h, w);
    return source;
}

static void encode(Compute *compute, const Engine *engine, Tensor latents,
                   const EnginePicture *picture, const LatentsHole *hole, float scale,
                   const EngineRequest *request)
{
    latents_encode(compute, latents, engine->vae, picture, hole, scale, request->tile_x,
                   request->tile_y);
}

/* The mask of an inpainting model and the latents of what is around the hole. */
static void encode_hole(Compute *compute, const Engine *engine, Tensor extra,
                        const EngineRequest *request)
{
    const EnginePicture *known = request->known ? request->known : request->source;
    LatentsHole          hole = { request->hole, false };
    if (!request->hole)
        hole = (LatentsHole){ request->mask, true };
    if (!known) /* without a picture there is nothing around: all is to be filled */
        hole.picture = NULL;
    latents_hole(compute, tensor_channels(extra, 0, 1), &hole, engine->factor);
    encode(compute, engine, tensor_channels(extra, 1, extra.c - 1), known, &hole,
           engine->config.vae.scale_factor, request);
}

bool source_encode(Compute *compute, const Engine *engine, const Source *source,
                   const EngineRequest *request)
{
    if (engine->can.hole)
        encode_hole(compute, engine, source->extra, request);
    if (engine->can.instruction) /* the mode, not scaled */
        encode(compute, engine, source->extra, request->source, NULL, 1, request);
    if (source->latents.n)
        encode(compute, engine, source->latents, request->source, NULL,
               engine->config.vae.scale_factor, request);
    if (source->mask.n)
        latents_mask(compute, source->mask, request->mask, engine->factor, engine->can.hole);
    return source->extra.n || source->latents.n;
}
