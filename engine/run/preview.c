/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preview.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { SIDE = 64 }; /* of the picture that is encoded */

/* One fit under way.  The waves are painted by the host, and what the VAE makes of them is read. */
typedef struct {
    PreviewFit *fit;
    int         channels, side, factor; /* of the latents; pixels a latent pixel stands for */
    double     *colours;                /* [side, side, 3]: what is seen there, 0 … 1; owned */
} Fit;

/* Smooth waves of colour that no two channels share, -1 … 1: host [3, size, size]. */
static void paint(void *user, float *host)
{
    static const float waves[3][3] = { { 1.5f, 0.5f, 0.2f }, { 0.4f, 1.3f, 1.9f }, { 1.1f, 1.0f, 4.1f } };
    const Fit         *work = user;
    int                size = work->side * work->factor;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < size; y++)
            for (int x = 0; x < size; x++) {
                double angle = 6.283185307179586 *
                                   (waves[c][0] * x / size + waves[c][1] * y / size) + waves[c][2];
                *host++ = (float)(0.85 * sin(angle));
            }
}

/* The same for latents, of variance 1, where a VAE has no encoder: host [channels, side, side]. */
static void paint_latents(void *user, float *host)
{
    const Fit *work = user;
    int        side = work->side;
    for (int c = 0; c < work->channels; c++)
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++) {
                double angle = 6.283185307179586 *
                                   ((0.4 + 0.35 * c) * x / side + (1.6 - 0.3 * c) * y / side) +
                               1.7 * c;
                *host++ = (float)(1.41 * sin(angle));
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

/* Mean colour under a latent pixel, 0 … 1, of host [3, size, size]. */
static double mean_colour(const float *host, int size, int c, int x, int y, int factor)
{
    double sum = 0;
    for (int j = 0; j < factor; j++)
        for (int i = 0; i < factor; i++)
            sum += (double)host[((size_t)c * (size_t)size + (size_t)(y * factor + j)) *
                                    (size_t)size + (size_t)(x * factor + i)];
    return 0.5 + 0.5 * sum / (factor * factor);
}

static void take_colours(void *user, const float *host)
{
    Fit *work = user;
    int  side = work->side, size = side * work->factor;
    work->colours = malloc(3 * (size_t)side * (size_t)side * sizeof *work->colours);
    double *colour = work->colours;
    for (int y = 0; y < side && colour; y++)
        for (int x = 0; x < side; x++)
            for (int c = 0; c < 3; c++)
                *colour++ = mean_colour(host, size, c, x, y, work->factor);
}

/* Least squares of the colours over the latents, host [channels, side, side].  What cannot be solved,
 * or found no memory, stays grey. */
static void take_latents(void *user, const float *host)
{
    const Fit *work = user;
    double     a[PREVIEW_MAX_CHANNELS + 1][PREVIEW_MAX_CHANNELS + 1] = { { 0 } };
    double     b[PREVIEW_MAX_CHANNELS + 1][3] = { { 0 } };
    int        n = work->channels + 1;
    size_t     plane = (size_t)work->side * (size_t)work->side;
    for (size_t pixel = 0; pixel < plane && work->colours; pixel++) {
        double row[PREVIEW_MAX_CHANNELS + 1];
        for (int c = 0; c < work->channels; c++)
            row[c] = (double)host[(size_t)c * plane + pixel];
        row[n - 1] = 1;
        for (int i = 0; i < n; i++) {
            for (int k = 0; k < n; k++)
                a[i][k] += row[i] * row[k];
            for (int c = 0; c < 3; c++)
                b[i][c] += row[i] * work->colours[3 * pixel + (size_t)c];
        }
    }
    for (int i = 0; i < n; i++)
        a[i][i] += 1e-3;
    bool ok = work->colours && solve(n, a, b);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < n; i++)
            work->fit->weights[c][i] = ok ? (float)b[i][c] : i == n - 1 ? 0.5f : 0;
    work->fit->channels = work->channels;
}

void preview_fit(Compute *compute, PreviewFit *fit, const Vae *vae, const VaeConfig *config)
{
    int       factor = vae_factor(vae), side = SIDE / factor < 4 ? 4 : SIDE / factor;
    int       z = config->z_channels;
    ArenaMark mark = arena_mark(compute->scratch);
    Tensor    picture = tensor_new(compute, ARENA_LOW, 1, 3, side * factor, side * factor);
    Tensor    moments = tensor_new(compute, ARENA_LOW, 1, 2 * z, side, side);
    Tensor    latents = tensor_channels(moments, 0, z); /* the mean, or what is decoded */
    Fit       work = { .fit = fit, .channels = z, .side = side, .factor = factor };
    assert(z <= PREVIEW_MAX_CHANNELS);
    if (config->has_encoder) {
        upload_by(compute, picture, paint, &work);
        vae_encode(compute, vae, moments, picture, false, false);
        map(compute, latents, latents, MAP_MULTIPLY, config->scale_factor, 0);
        vae_whiten(compute, vae, latents, config->scale_factor);
    } else {
        upload_by(compute, latents, paint_latents, &work);
        vae_decode(compute, vae, picture, latents, false, false);
    }
    if (!compute_dry(compute) && !compute_stopped(compute)) {
        read_by(compute, picture, take_colours, &work);
        read_by(compute, latents, take_latents, &work);
        free(work.colours);
        for (int c = 0; c < 3 && !config->has_encoder; c++)
            for (int i = 0; i < z; i++)
                fit->weights[c][i] /= config->scale_factor;
    }
    arena_rewind(compute->scratch, mark);
}

typedef struct {
    const PreviewFit *fit;
    EnginePicture    *picture;
} Look;

static void take_look(void *user, const float *host)
{
    const Look       *look = user;
    const PreviewFit *fit = look->fit;
    size_t            plane = (size_t)look->picture->height * (size_t)look->picture->width;
    for (size_t i = 0; i < plane; i++)
        for (int c = 0; c < 3; c++) {
            float value = fit->weights[c][fit->channels];
            for (int k = 0; k < fit->channels; k++)
                value += fit->weights[c][k] * host[(size_t)k * plane + i];
            look->picture->pixels[3 * i + (size_t)c] = value > 1 ? 1 : value > 0 ? value : 0;
        }
}

void preview_apply(Compute *compute, const PreviewFit *fit, EnginePicture *picture, Tensor latents)
{
    assert(picture->width == latents.w && picture->height == latents.h);
    read_by(compute, latents, take_look, &(Look){ fit, picture });
}
