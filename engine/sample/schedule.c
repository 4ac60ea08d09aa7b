/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "schedule.h"

#include <math.h>

/* The share of the picture that is left at `time` of 0 … 1 (Nichol and Dhariwal 2021, arXiv:2102.09672). */
static double cosine_alpha(double time)
{
    double wave = cos((time + 0.008) / 1.008 * 1.5707963267948966);
    return wave * wave;
}

/* The variance that step i of 1000 adds in training; scaled linear, which Stable Diffusion has, is
 * even in its root. */
static double beta_at(const Parametrisation *of, int i)
{
    double share = (double)i / (NOISE_LEVEL_COUNT - 1);
    double from = of->beta_start, to = of->beta_end, root;
    switch (of->betas) {
    case BETAS_LINEAR: return from + (to - from) * share;
    case BETAS_SQUARED_COSINE:
        return fmin(0.999, 1 - cosine_alpha((i + 1.0) / NOISE_LEVEL_COUNT) /
                                   cosine_alpha((double)i / NOISE_LEVEL_COUNT));
    case BETAS_TRAINED: return (double)of->trained[i];
    case BETAS_SCALED_LINEAR: break;
    }
    root = sqrt(from) + (sqrt(to) - sqrt(from)) * i / (NOISE_LEVEL_COUNT - 1);
    return root * root;
}

static void fill_variance_preserving(NoiseLevels *levels, const Parametrisation *of)
{
    double alphas[NOISE_LEVEL_COUNT], product = 1;
    for (int i = 0; i < NOISE_LEVEL_COUNT; i++) {
        product *= 1 - beta_at(of, i);
        alphas[i] = (double)(float)product;
    }
    if (of->zero_terminal_snr) {
        /* The roots are shifted so that the last is 0 and stretched so that the first stays. 0
         * itself would be an infinite sigma; what stands for it gives about 4519. */
        double first = sqrt(alphas[0]), last = sqrt(alphas[NOISE_LEVEL_COUNT - 1]);
        for (int i = 0; i < NOISE_LEVEL_COUNT; i++) {
            double root = (sqrt(alphas[i]) - last) * first / (first - last);
            alphas[i] = root * root;
        }
        alphas[NOISE_LEVEL_COUNT - 1] = 4.8973451890853435e-08;
    }
    for (int i = 0; i < NOISE_LEVEL_COUNT; i++)
        levels->sigmas[i] = sqrt((1 - alphas[i]) / alphas[i]);
}

static void fill_edm(NoiseLevels *levels, const Parametrisation *of)
{
    double from = log(of->sigma_min), to = log(of->sigma_max);
    for (int i = 0; i < NOISE_LEVEL_COUNT; i++)
        levels->sigmas[i] = exp(from + (to - from) * i / (NOISE_LEVEL_COUNT - 1));
}

void noise_levels_init(NoiseLevels *levels, const Parametrisation *parametrisation)
{
    levels->of = *parametrisation;
    if (parametrisation->edm)
        fill_edm(levels, parametrisation);
    else
        fill_variance_preserving(levels, parametrisation);
    for (int i = 0; i < NOISE_LEVEL_COUNT; i++)
        levels->log_sigmas[i] = log(levels->sigmas[i]);
}

/* By halving, and straight in log sigma between two levels; beyond the ends it is the end. */
double noise_levels_time(const NoiseLevels *levels, double sigma)
{
    double log_sigma = log(sigma);
    int    low = 0, high = NOISE_LEVEL_COUNT - 1;
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (levels->log_sigmas[middle] <= log_sigma)
            low = middle;
        else
            high = middle;
    }
    double share = (log_sigma - levels->log_sigmas[low]) /
                   (levels->log_sigmas[high] - levels->log_sigmas[low]);
    return low + fmin(1, fmax(0, share));
}

double noise_levels_sigma(const NoiseLevels *levels, double time)
{
    int    low = (int)fmin(NOISE_LEVEL_COUNT - 2, fmax(0, floor(time)));
    double share = time - low;
    return exp(levels->log_sigmas[low] * (1 - share) + levels->log_sigmas[low + 1] * share);
}

/* EDM's c_in, c_skip, c_out and c_noise; its answer is "epsilon" or v by the sign alone
 * (EDMEulerScheduler.precondition_outputs). */
static NoiseScalings edm_scalings(const Parametrisation *of, double sigma)
{
    double data = of->sigma_data, whole = sigma * sigma + data * data;
    double output = sigma * data / sqrt(whole);
    return (NoiseScalings){ 1 / sqrt(whole), data * data / whole,
                            of->predicts == PREDICTS_V ? -output : output, log(sigma) / 4 };
}

NoiseScalings noise_levels_scalings(const NoiseLevels *levels, double sigma)
{
    if (levels->of.edm)
        return edm_scalings(&levels->of, sigma);
    double scale = 1 / sqrt(sigma * sigma + 1), time = noise_levels_time(levels, sigma);
    switch (levels->of.predicts) {
    case PREDICTS_V: return (NoiseScalings){ scale, scale * scale, -sigma * scale, time };
    case PREDICTS_SAMPLE: return (NoiseScalings){ scale, 0, 1, time };
    case PREDICTS_NOISE: break;
    }
    return (NoiseScalings){ scale, 1, -sigma, time };
}

/* The regularised incomplete beta function by its continued fraction (Lentz's method). */
static double incomplete_beta(double x, double a, double b)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    /* The fraction converges quickly on the left only; the right is 1 less its mirror image. */
    if (x > (a + 1) / (a + b + 2))
        return 1 - incomplete_beta(1 - x, b, a);
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
    double fraction = d;
    for (int m = 1; m < 300; m++) {
        for (int odd = 0; odd < 2; odd++) {
            double top = odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                             : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 + top * d;
            d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
            c = 1 + top / c;
            c = fabs(c) < 1e-300 ? 1e-300 : c;
            fraction *= c * d;
        }
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return front * fraction;
}

/* By halving 54 times: a double has no more bits. */
static double beta_quantile(double share, double a, double b)
{
    double low = 0, high = 1;
    for (int i = 0; i < 54; i++) {
        double middle = (low + high) / 2;
        if (incomplete_beta(middle, a, b) < share)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* Even in time, from the last level; to level 0 or, for sgm_uniform, to one step before it. */
static int fill_times(double *sigmas, const NoiseLevels *levels, int steps, int intervals)
{
    double first = NOISE_LEVEL_COUNT - 1;
    for (int i = 0; i < steps; i++)
        sigmas[i] = noise_levels_sigma(levels, intervals ? first - first * i / intervals : first);
    return steps;
}

/* Karras et al. 2022, arXiv:2206.00364, equation 5. */
static int fill_karras(double *sigmas, double least, double most, int steps)
{
    const double rho = 7;
    double       from = pow(most, 1 / rho), to = pow(least, 1 / rho);
    for (int i = 0; i < steps; i++)
        sigmas[i] = pow(from + (steps > 1 ? (to - from) * i / (steps - 1) : 0), rho);
    return steps;
}

static int fill_exponential(double *sigmas, double least, double most, int steps)
{
    double from = log(most), to = log(least);
    for (int i = 0; i < steps; i++)
        sigmas[i] = exp(from + (steps > 1 ? (to - from) * i / (steps - 1) : 0));
    return steps;
}

static int fill_simple(double *sigmas, const NoiseLevels *levels, int steps)
{
    double stride = (double)NOISE_LEVEL_COUNT / steps;
    for (int i = 0; i < steps; i++)
        sigmas[i] = levels->sigmas[NOISE_LEVEL_COUNT - 1 - (int)(i * stride)];
    return steps;
}

/* Levels at equal distances from the second one on, as DDIM was trained to leave some out.  ComfyUI rounds
 * the distance down, which gives 31 steps for 30 and 8 for 7; where it divides 1000 both are the same.
 * One step would begin at the second level, where there is nothing left to do: it begins at the last. */
static int fill_ddim_uniform(double *sigmas, const NoiseLevels *levels, int steps)
{
    int first = steps < NOISE_LEVEL_COUNT;
    for (int i = 0; i < steps; i++)
        sigmas[steps - 1 - i] = levels->sigmas[first + i * NOISE_LEVEL_COUNT / steps];
    if (steps == 1)
        sigmas[0] = levels->sigmas[NOISE_LEVEL_COUNT - 1];
    return steps;
}

static int fill_beta(double *sigmas, const NoiseLevels *levels, int steps)
{
    int count = 0, last = -1;
    for (int i = 0; i < steps; i++) {
        double share = 1 - (double)i / steps;
        int    level = (int)rint(beta_quantile(share, 0.6, 0.6) * (NOISE_LEVEL_COUNT - 1));
        if (level != last)
            sigmas[count++] = levels->sigmas[level];
        last = level;
    }
    return count;
}

int schedule_fill(double *sigmas, EngineSchedule schedule, const NoiseLevels *levels, int steps)
{
    double least = levels->sigmas[0], most = levels->sigmas[NOISE_LEVEL_COUNT - 1];
    int    count = 0;
    switch (schedule) {
    case ENGINE_SCHEDULE_NORMAL: count = fill_times(sigmas, levels, steps, steps - 1); break;
    case ENGINE_SCHEDULE_SGM_UNIFORM: count = fill_times(sigmas, levels, steps, steps); break;
    case ENGINE_SCHEDULE_KARRAS: count = fill_karras(sigmas, least, most, steps); break;
    case ENGINE_SCHEDULE_EXPONENTIAL: count = fill_exponential(sigmas, least, most, steps); break;
    case ENGINE_SCHEDULE_SIMPLE: count = fill_simple(sigmas, levels, steps); break;
    case ENGINE_SCHEDULE_DDIM_UNIFORM: count = fill_ddim_uniform(sigmas, levels, steps); break;
    case ENGINE_SCHEDULE_BETA: count = fill_beta(sigmas, levels, steps); break;
    case ENGINE_SCHEDULE_COUNT: break;
    }
    sigmas[count] = 0;
    return count;
}

void schedule_strength(int steps, double strength, int *layout, int *first)
{
    *layout = steps;
    *first = (int)lrint(steps * (1 - strength));
    if (steps - *first < 4 && strength < 1) {
        /* a float's 0.2 is a little more than 0.2 */
        *layout = (int)fmin(1000, fmax(4, floor(4 / strength + 1e-4)));
        *first = *layout - 4;
    }
}
