/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preview.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { SIDE = 64 }; /* of the picture that is encoded */

/* Smooth waves of colour that no two channels share, -1 … 1. */
static void paint(Tensor picture)
{
    static const float waves[3][3] = { { 1.5f, 0.5f, 0.2f }, { 0.4f, 1.3f, 1.9f }, { 1.1f, 1.0f, 4.1f } };
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < picture.h; y++)
            for (int x = 0; x < picture.w; x++) {
                double angle = 6.283185307179586 * (waves[c][0] * x / picture.w +
                                                    waves[c][1] * y / picture.h) + waves[c][2];
                picture.data[((size_t)c * (size_t)picture.h + (size_t)y) * (size_t)picture.w +
                             (size_t)x] = (float)(0.85 * sin(angle));
            }
}

/* The same for latents, of variance 1, where a VAE has no encoder. */
static void paint_latents(Tensor latents)
{
    for (int c = 0; c < latents.c; c++)
        for (int y = 0; y < latents.h; y++)
            for (int x = 0; x < latents.w; x++) {
                double angle = 6.283185307179586 * ((0.4 + 0.35 * c) * x / latents.w +
                                                    (1.6 - 0.3 * c) * y / latents.h) + 1.7 * c;
                latents.data[((size_t)c * (size_t)latents.h + (size_t)y) * (size_t)latents.w +
                             (size_t)x] = (float)(1.41 * sin(angle));
            }
}

/* Solves a symmetric positive system in place, by Gauss with pivots. */
static bool solve(int n, double a[][PREVIEW_MAX_CHANNELS + 1], double b[][3])
{
    for (int i = 0; i < n; i++) {
        int pivot = i;
        for (int r = i + 1; r < n; r++)
            if (fabs(a[r][i]) > fabs(a[pivot][i]))
                pivot = r;
        if (!(fabs(a[pivot][i]) > 1e-12))
            return false;
        for (int k = 0; k < n; k++) {
            double swap = a[i][k];
            a[i][k] = a[pivot][k];
            a[pivot][k] = swap;
        }
        for (int k = 0; k < 3; k++) {
            double swap = b[i][k];
            b[i][k] = b[pivot][k];
            b[pivot][k] = swap;
        }
        for (int r = 0; r < n; r++) {
            double factor = r == i ? 0 : a[r][i] / a[i][i];
            for (int k = i; k < n; k++)
                a[r][k] -= factor * a[i][k];
            for (int k = 0; k < 3; k++)
                b[r][k] -= factor * b[i][k];
        }
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 3; k++)
            b[i][k] /= a[i][i];
    return true;
}

/* Mean colour of the picture under a latent pixel, 0 … 1. */
static double mean_colour(Tensor picture, int c, int x, int y, int factor)
{
    double sum = 0;
    for (int j = 0; j < factor; j++)
        for (int i = 0; i < factor; i++)
            sum += picture.data[((size_t)c * (size_t)picture.h + (size_t)(y * factor + j)) *
                                    (size_t)picture.w + (size_t)(x * factor + i)];
    return 0.5 + 0.5 * sum / (factor * factor);
}

static void least_squares(PreviewFit *fit, Tensor picture, Tensor latents, int factor)
{
    double a[PREVIEW_MAX_CHANNELS + 1][PREVIEW_MAX_CHANNELS + 1] = { { 0 } };
    double b[PREVIEW_MAX_CHANNELS + 1][3] = { { 0 } };
    int    n = latents.c + 1;
    size_t plane = (size_t)latents.h * (size_t)latents.w;
    for (int y = 0; y < latents.h; y++)
        for (int x = 0; x < latents.w; x++) {
            double row[PREVIEW_MAX_CHANNELS + 1];
            for (int c = 0; c < latents.c; c++)
                row[c] = latents.data[(size_t)c * plane + (size_t)y * (size_t)latents.w + (size_t)x];
            row[n - 1] = 1;
            for (int i = 0; i < n; i++) {
                for (int k = 0; k < n; k++)
                    a[i][k] += row[i] * row[k];
                for (int c = 0; c < 3; c++)
                    b[i][c] += row[i] * mean_colour(picture, c, x, y, factor);
            }
        }
    for (int i = 0; i < n; i++)
        a[i][i] += 1e-3;
    bool ok = solve(n, a, b);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < n; i++)
            fit->weights[c][i] = ok ? (float)b[i][c] : i == n - 1 ? 0.5f : 0;
    fit->channels = latents.c;
}

void preview_fit(Compute *compute, PreviewFit *fit, const Vae *vae, const VaeConfig *config)
{
    int       factor = vae_factor(vae), side = SIDE / factor < 4 ? 4 : SIDE / factor;
    int       z = config->z_channels;
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    picture = tensor_new(compute, ARENA_LOW, 1, 3, side * factor, side * factor);
    Tensor    moments = tensor_new(compute, ARENA_LOW, 1, 2 * z, side, side);
    bool      dry = compute_dry(compute);
    assert(z <= PREVIEW_MAX_CHANNELS);
    if (config->has_encoder) {
        if (!dry)
            paint(picture);
        vae_encode(compute, vae, moments, picture, false, false);
    } else {
        if (!dry)
            paint_latents(tensor_view(moments.data, 1, z, side, side));
        vae_decode(compute, vae, picture, tensor_view(moments.data, 1, z, side, side), false, false);
    }
    if (!dry && !compute_stopped(compute)) {
        Tensor latents = tensor_view(moments.data, 1, z, side, side);
        float  scale = config->has_encoder ? config->scale_factor : 1;
        for (size_t i = 0; i < tensor_count(latents); i++)
            latents.data[i] *= scale;
        least_squares(fit, picture, latents, factor);
        for (int c = 0; c < 3 && !config->has_encoder; c++)
            for (int i = 0; i < z; i++)
                fit->weights[c][i] /= config->scale_factor;
    }
    arena_rewind(compute->scratch, mark);
}

void preview_apply(const PreviewFit *fit, EnginePicture *picture, Tensor latents)
{
    size_t plane = (size_t)latents.h * (size_t)latents.w;
    assert(latents.c == fit->channels && picture->width == latents.w &&
           picture->height == latents.h);
    for (size_t i = 0; i < plane; i++)
        for (int c = 0; c < 3; c++) {
            float value = fit->weights[c][latents.c];
            for (int k = 0; k < latents.c; k++)
                value += fit->weights[c][k] * latents.data[(size_t)k * plane + i];
            picture->pixels[3 * i + (size_t)c] = value > 1 ? 1 : value > 0 ? value : 0;
        }
}
