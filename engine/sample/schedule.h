/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which noise levels a run goes through.
 *
 * sigma is the standard deviation of the noise on latents of scale 1: x = x0 + sigma * noise
 * (Karras et al. 2022, arXiv:2206.00364).  The model was trained on 1000 levels; between them sigma
 * and time are joined by straight lines in log sigma, not rounded (k-diffusion's way).  EDM's models know
 * every level between two: 1000 of them, even in log sigma, stand for these. */
#pragma once

#include "../base/choices.h"
#include "../base/parametrisation.h"

enum { NOISE_LEVEL_COUNT = PARAMETRISATION_LEVELS, SCHEDULE_MAX_SIGMAS = 2004 };

typedef struct {
    Parametrisation of;
    double sigmas[NOISE_LEVEL_COUNT]; /* rising */
    double log_sigmas[NOISE_LEVEL_COUNT];
} NoiseLevels;

/* Alphas are rounded to float as checkpoints hold them.  zero_terminal_snr: the last level is pure noise
 * (Lin et al. 2023, arXiv:2305.08891), with ComfyUI's smallest alpha in place of 0. */
void noise_levels_init(NoiseLevels *levels, const Parametrisation *parametrisation);

double noise_levels_time(const NoiseLevels *levels, double sigma); /* place among the levels, 0 … 999 */
double noise_levels_sigma(const NoiseLevels *levels, double time);

/* What the network is given, and what its answer is worth: it sees input * x, and the estimate of x0 is
 * skip * x + output * answer.  Karras et al. 2022, arXiv:2206.00364, section 5. */
typedef struct {
    double input, skip, output;
    double time; /* as the network was trained to be told the level */
} NoiseScalings;
NoiseScalings noise_levels_scalings(const NoiseLevels *levels, double sigma);

/* Falling sigmas for `steps` (1 … 1000) steps and a 0 behind them; returns how many steps they make
 * (beta may give some fewer, where two of them round to one level).
 *   sigmas  [SCHEDULE_MAX_SIGMAS] */
int schedule_fill(double *sigmas, EngineSchedule schedule, const NoiseLevels *levels, int steps);

/* Steps to lay out and the first one to run, for a denoising strength in (0, 1]: a share of `steps`
 * runs, but at least 4 (of more, finer ones) where the strength is small. */
void schedule_strength(int steps, double strength, int *layout, int *first);
