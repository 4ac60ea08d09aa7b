/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the host's pictures become tensors and tensors pictures: what is done to pixels here is done
 * in memory that the device lends for an upload or a read. */
#include "latents.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static float clamp01(float value)
{
    return value > 1 ? 1 : value > 0 ? value : 0; /* NaN becomes 0 */
}

static bool is_hole(const LatentsHole *hole, size_t pixel)
{
    if (!hole->picture)
        return true;
    float value = hole->picture->pixels[pixel];
    return hole->soft ? value > 0 : value >= 0.5f;
}

/* ---- pictures -------------------------------------------------------------------------------- */

typedef struct {
    const EnginePicture *picture; /* NULL: mid grey */
    const LatentsHole   *hole;
    size_t               plane;
} Planes;

/* host [3, h, w] -1 … 1, from interleaved pixels 0 … 1. */
static void fill_planes(void *user, float *host)
{
    const Planes *planes = user;
    for (size_t i = 0; i < planes->plane; i++)
        for (size_t c = 0; c < 3; c++) {
            bool unseen = !planes->picture || (planes->hole && is_hole(planes->hole, i));
            host[c * planes->plane + i] =
                unseen ? 0 : 2 * clamp01(planes->picture->pixels[3 * i + c]) - 1;
        }
}

void latents_encode(Compute *compute, Tensor latents, const Vae *vae, const EnginePicture *picture,
                    const LatentsHole *hole, float scale, bool wrap_x, bool wrap_y)
{
    int       factor = vae_factor(vae);
    int       height = latents.h * factor, width = latents.w * factor;
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    planes = tensor_new(compute, ARENA_LOW, 1, 3, height, width);
    Tensor    moments = tensor_new(compute, ARENA_LOW, 1, 2 * latents.c, latents.h, latents.w);
    assert(!picture ||
           (picture->width == width && picture->height == height && picture->channels == 3));
    upload_by(compute, planes, fill_planes,
              &(Planes){ picture, hole, (size_t)height * (size_t)width });
    vae_encode(compute, vae, moments, planes, wrap_x, wrap_y);
    map(compute, latents, tensor_channels(moments, 0, latents.c), MAP_MULTIPLY, scale, 0);
    if (scale != 1) /* an instruct model takes the mode as it is */
        vae_whiten(compute, vae, latents, scale);
    arena_rewind(compute->scratch, mark);
}

void latents_decode(Compute *compute, Tensor picture, const Vae *vae, Tensor latents, float scale,
                    bool wrap_x, bool wrap_y)
{
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    z = tensor_new(compute, ARENA_LOW, 1, latents.c, latents.h, latents.w);
    map(compute, z, latents, MAP_DIVIDE, scale, 0);
    vae_colour(compute, vae, z);
    vae_decode(compute, vae, picture, z, wrap_x, wrap_y);
    arena_rewind(compute->scratch, mark);
}

static void take_pixels(void *user, const float *host)
{
    EnginePicture *picture = user;
    size_t         plane = (size_t)picture->height * (size_t)picture->width;
    for (size_t i = 0; i < plane; i++)
        for (size_t c = 0; c < 3; c++)
            picture->pixels[3 * i + c] = clamp01(0.5f + 0.5f * host[c * plane + i]);
}

bool latents_to_picture(Compute *compute, EnginePicture *out, Tensor picture, EngineError *error)
{
    size_t plane = (size_t)picture.h * (size_t)picture.w;
    *out = (EnginePicture){ picture.w, picture.h, 3, malloc(3 * plane * sizeof(float)) };
    if (!out->pixels)
        return fail(error, ENGINE_OUT_OF_MEMORY,
                    "There is not enough memory for a picture of %d x %d pixels.", picture.w,
                    picture.h);
    read_by(compute, picture, take_pixels, out);
    return true;
}

/* ---- masks ----------------------------------------------------------------------------------- */

typedef struct {
    const EnginePicture *picture;
    const LatentsHole   *hole; /* instead of picture */
    int                  h, w, factor;
    bool                 grown;
} Mask;

static double mean_at(const Mask *mask, int y, int x)
{
    int    factor = mask->factor;
    double sum = 0;
    for (int j = 0; j < factor; j++)
        for (int i = 0; i < factor; i++)
            sum += (double)clamp01(
                mask->picture->pixels[(size_t)(y * factor + j) * (size_t)mask->picture->width +
                                      (size_t)(x * factor + i)]);
    return sum / (factor * factor);
}

static float most_around(const Mask *mask, int y, int x)
{
    float most = 0;
    for (int j = y > 0 ? y - 1 : 0; j <= y + 1 && j < mask->h; j++)
        for (int i = x > 0 ? x - 1 : 0; i <= x + 1 && i < mask->w; i++)
            most = fmaxf(most, (float)mean_at(mask, j, i));
    return most;
}

static void fill_mask(void *user, float *host)
{
    const Mask *mask = user;
    for (int y = 0; y < mask->h; y++)
        for (int x = 0; x < mask->w; x++)
            *host++ = mask->grown ? most_around(mask, y, x) : (float)mean_at(mask, y, x);
}

void latents_mask(Compute *compute, Tensor out, const EnginePicture *mask, int factor, bool grown)
{
    upload_by(compute, out, fill_mask,
              &(Mask){ .picture = mask, .h = out.h, .w = out.w, .factor = factor, .grown = grown });
}

static bool any_at(const Mask *mask, int y, int x)
{
    int factor = mask->factor;
    for (int j = 0; j < factor; j++)
        for (int i = 0; i < factor; i++)
            if (is_hole(mask->hole, (size_t)(y * factor + j) * (size_t)(mask->w * factor) +
                                        (size_t)(x * factor + i)))
                return true;
    return false;
}

static void fill_hole(void *user, float *host)
{
    const Mask *mask = user;
    for (int y = 0; y < mask->h; y++)
        for (int x = 0; x < mask->w; x++)
            *host++ = any_at(mask, y, x);
}

void latents_hole(Compute *compute, Tensor out, const LatentsHole *hole, int factor)
{
    upload_by(compute, out, fill_hole,
              &(Mask){ .hole = hole, .h = out.h, .w = out.w, .factor = factor });
}
