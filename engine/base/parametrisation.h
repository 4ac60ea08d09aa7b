/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a denoiser was trained: over which noise levels, and what its answer means.
 *
 * At a level sigma it sees x = x0 + sigma * noise, scaled, and answers with one of these.  sample/
 * makes an estimate of x0 of any of them, networks/ says which one a checkpoint has. */
#pragma once

#include <stdbool.h>

typedef enum {
    PREDICTS_NOISE,  /* epsilon; Ho et al. 2020, arXiv:2006.11239 */
    PREDICTS_V,      /* Salimans and Ho 2022, arXiv:2202.00512 */
    PREDICTS_SAMPLE, /* x0 itself */
} Prediction;

/* The betas of variance preserving noise, by diffusers' names (DDPMScheduler). */
typedef enum {
    BETAS_SCALED_LINEAR,     /* linear in their square roots: every Stable Diffusion */
    BETAS_LINEAR,
    BETAS_SQUARED_COSINE,    /* "squaredcos_cap_v2" */
    BETAS_TRAINED,           /* a list of numbers */
} Betas;

enum { PARAMETRISATION_LEVELS = 1000 }; /* that variance preserving noise has in training */

typedef struct {
    Prediction predicts;

    /* Variance preserving: x / sqrt(sigma^2 + 1) goes in, with the level's number as time. */
    Betas  betas;
    double beta_start, beta_end;  /* 0.00085, 0.012 */
    float  trained[PARAMETRISATION_LEVELS]; /* of BETAS_TRAINED */
    bool   zero_terminal_snr;     /* the last level is pure noise; Lin et al. 2023, arXiv:2305.08891 */

    /* EDM, Karras et al. 2022, arXiv:2206.00364, table 1: x / sqrt(sigma^2 + sigma_data^2) goes in,
     * with log(sigma) / 4 as time, over any sigma in [sigma_min, sigma_max]. */
    bool   edm;
    double sigma_data, sigma_min, sigma_max;
} Parametrisation;

/* Stable Diffusion's: epsilon, scaled linear betas. */
Parametrisation parametrisation_default(void);
