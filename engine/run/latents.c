/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "latents.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static float clamp01(float value)
{
    return value > 1 ? 1 : value > 0 ? value : 0; /* NaN becomes 0 */
}

void latents_encode(Compute *compute, Tensor latents, const Vae *vae, const EnginePicture *picture,
                    const EnginePicture *hole, float scale, bool wrap_x, bool wrap_y)
{
    int       factor = vae_factor(vae);
    int       height = latents.h * factor, width = latents.w * factor;
    size_t    plane = (size_t)height * (size_t)width;
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    planes = tensor_new(compute, ARENA_LOW, 1, 3, height, width);
    Tensor    moments = tensor_new(compute, ARENA_LOW, 1, 2 * latents.c, latents.h, latents.w);
    if (!compute_dry(compute)) {
        assert(picture->width == width && picture->height == height && picture->channels == 3);
        for (size_t i = 0; i < plane; i++)
            for (size_t c = 0; c < 3; c++) {
                bool unseen = hole && hole->pixels[i] >= 0.5f;
                planes.data[c * plane + i] =
                    unseen ? 0 : 2 * clamp01(picture->pixels[3 * i + c]) - 1;
            }
    }
    vae_encode(compute, vae, moments, planes, wrap_x, wrap_y);
    if (!compute_dry(compute))
        for (size_t i = 0; i < tensor_count(latents); i++)
            latents.data[i] = moments.data[i] * scale; /* the mean is the first half */
    arena_rewind(compute->scratch, mark);
}

void latents_decode(Compute *compute, Tensor picture, const Vae *vae, Tensor latents, float scale,
                    bool wrap_x, bool wrap_y)
{
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    z = tensor_new(compute, ARENA_LOW, 1, latents.c, latents.h, latents.w);
    if (!compute_dry(compute))
        for (size_t i = 0; i < tensor_count(latents); i++)
            z.data[i] = latents.data[i] / scale;
    vae_decode(compute, vae, picture, z, wrap_x, wrap_y);
    arena_rewind(compute->scratch, mark);
}

void latents_mask_mean(Tensor out, const EnginePicture *mask, int factor)
{
    for (int y = 0; y < out.h; y++)
        for (int x = 0; x < out.w; x++) {
            double sum = 0;
            for (int j = 0; j < factor; j++)
                for (int i = 0; i < factor; i++)
                    sum += clamp01(mask->pixels[(size_t)(y * factor + j) * (size_t)mask->width +
                                                (size_t)(x * factor + i)]);
            out.data[(size_t)y * (size_t)out.w + (size_t)x] = (float)(sum / (factor * factor));
        }
}

void latents_mask_any(Tensor out, const EnginePicture *mask, int factor, float threshold)
{
    for (int y = 0; y < out.h; y++)
        for (int x = 0; x < out.w; x++) {
            bool any = mask == NULL;
            for (int j = 0; j < factor && !any; j++)
                for (int i = 0; i < factor && !any; i++)
                    any = mask->pixels[(size_t)(y * factor + j) * (size_t)mask->width +
                                       (size_t)(x * factor + i)] >= threshold;
            out.data[(size_t)y * (size_t)out.w + (size_t)x] = any;
        }
}

void latents_mask_grow(Tensor out, Tensor in)
{
    for (int y = 0; y < in.h; y++)
        for (int x = 0; x < in.w; x++) {
            float most = 0;
            for (int j = y > 0 ? y - 1 : 0; j <= y + 1 && j < in.h; j++)
                for (int i = x > 0 ? x - 1 : 0; i <= x + 1 && i < in.w; i++)
                    most = fmaxf(most, in.data[(size_t)j * (size_t)in.w + (size_t)i]);
            out.data[(size_t)y * (size_t)out.w + (size_t)x] = most;
        }
}

bool latents_to_picture(EnginePicture *out, Tensor picture, EngineError *error)
{
    size_t plane = (size_t)picture.h * (size_t)picture.w;
    *out = (EnginePicture){ picture.w, picture.h, 3, malloc(3 * plane * sizeof(float)) };
    if (!out->pixels)
        return fail(error, ENGINE_OUT_OF_MEMORY,
                    "There is not enough memory for a picture of %d x %d pixels.", picture.w,
                    picture.h);
    for (size_t i = 0; i < plane; i++)
        for (size_t c = 0; c < 3; c++)
            out->pixels[3 * i + c] = clamp01(0.5f + 0.5f * picture.data[c * plane + i]);
    return true;
}

bool latents_finite(Tensor x)
{
    size_t count = tensor_count(x);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(x.data[i]))
            return false;
    return true;
}
