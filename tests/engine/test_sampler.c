/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample/sampler.h"
#include "sample/schedule.h"
#include "sample_help.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { C = 4, PLANE = 30, COUNT = C * PLANE };

typedef struct {
    NoiseLevels levels;
    int         calls;
    int         stop_at; /* call that ends the run; 0: none */
} Model;

/* The network of the golden runs, as a model that predicts noise. */
static bool denoise_tiny(void *user, Tensor to, Tensor from, double sigma)
{
    Model       *model = user;
    float       *denoised = cpu_data(to);
    const float *x = cpu_data(from);
    float  input[COUNT], answer[COUNT];
    for (int i = 0; i < COUNT; i++)
        input[i] = (float)((double)x[i] / sqrt(sigma * sigma + 1));
    float time = (float)noise_levels_time(&model->levels, sigma);
    tiny_network(answer, input, C, PLANE, time, 0, NULL, 0);
    for (int i = 0; i < COUNT; i++)
        denoised[i] = (float)((double)x[i] - sigma * (double)answer[i]);
    return ++model->calls != model->stop_at;
}

/* The processor without threads: samplers only do arithmetic. */
static Compute *processor(void)
{
    static Cpu     cpu;
    static Arena   arena;
    static Compute compute = { .scratch = &arena };
    if (!arena.device) {
        cpu_init(&cpu, NULL, NULL, &(EngineError){ 0 });
        CHECK(arena_init(&arena, &cpu.device, 0));
    }
    return &compute;
}

/* A whole run, with x after each step in states [steps, COUNT]. */
static int run(float *states, EngineSampler kind, EngineSchedule schedule, int steps, Model *model)
{
    double  sigmas[SCHEDULE_MAX_SIGMAS];
    float   x[COUNT], memory[5 * COUNT];
    Noise   noise;
    Sampler sampler;
    int     count = schedule_fill(sigmas, schedule, &model->levels, steps);
    noise_init(&noise, ENGINE_NOISE_GPU, 1234);
    noise_fill(&noise, x, COUNT);
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)(sigmas[0] * (double)x[i]);
    CHECK(sampler_buffer_count(kind) <= 5);
    memset(memory, 0xff, sizeof memory); /* NaN: nothing may be read before it is written */
    sampler_init(&sampler, kind, processor(), cpu_tensor(memory, 5, 1, 1, COUNT), &noise, denoise_tiny,
                 model);
    for (int i = 0; i < count; i++) {
        if (!sampler_step(&sampler, cpu_tensor(x, 1, 1, 1, COUNT), sigmas[i], sigmas[i + 1]))
            return i;
        memcpy(states + (size_t)i * COUNT, x, sizeof x);
    }
    return count;
}

static void every_sampler_on_every_schedule_matches_its_reference(void)
{
    static const int step_counts[] = { 20, 2 };
    Model            model = { 0 };
    float            states[24 * COUNT];
    double           worst = 0;
    standard_levels(&model.levels, PREDICTS_NOISE, false);
    for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++)
        for (int k = 0; k < ENGINE_SCHEDULE_COUNT; k++)
            for (int i = 0; i < 2; i++) {
                char name[96];
                if (step_counts[i] != 20 && k != ENGINE_SCHEDULE_KARRAS)
                    continue;
                snprintf(name, sizeof name, "end.%s.%s.%d", engine_sampler_name((EngineSampler)s),
                         engine_schedule_name((EngineSchedule)k), step_counts[i]);
                int count =
                    run(states, (EngineSampler)s, (EngineSchedule)k, step_counts[i], &model);
                const float *end = states + (size_t)(count - 1) * COUNT;
                double       error = test_worst(end, golden_floats(name, COUNT), COUNT);
                /* heun's two steps go from sigma 14 to 0.03 at once: rounding counts 250 times */
                bool coarse = s == ENGINE_HEUN && step_counts[i] == 2;
                worst = coarse ? worst : fmax(worst, error);
                if (!CHECK(error <= (coarse ? 1e-4 : 1e-5)))
                    printf("    %s: %g\n", name, error);
            }
    printf("    worst latent %.2g\n", worst);
}

static void every_step_matches_its_reference(void)
{
    Model model = { 0 };
    float states[20 * COUNT];
    standard_levels(&model.levels, PREDICTS_NOISE, false);
    for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++) {
        char name[64];
        snprintf(name, sizeof name, "run.%s", engine_sampler_name((EngineSampler)s));
        CHECK_INT(run(states, (EngineSampler)s, ENGINE_SCHEDULE_KARRAS, 20, &model), 20);
        CHECK_NEAR(states, golden_floats(name, 20 * COUNT), 20 * COUNT, 1e-5);
    }
}

static void one_step_gives_the_estimate_itself(void)
{
    for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++) {
        Model model = { 0 };
        float state[COUNT], x[COUNT], want[COUNT];
        Noise noise;
        standard_levels(&model.levels, PREDICTS_NOISE, false);
        double sigma = model.levels.sigmas[NOISE_LEVEL_COUNT - 1];
        noise_init(&noise, ENGINE_NOISE_GPU, 1234);
        noise_fill(&noise, x, COUNT);
        for (int i = 0; i < COUNT; i++)
            x[i] = (float)(sigma * (double)x[i]);
        denoise_tiny(&model, cpu_tensor(want, 1, 1, 1, COUNT), cpu_tensor(x, 1, 1, 1, COUNT), sigma);
        CHECK_INT(run(state, (EngineSampler)s, ENGINE_SCHEDULE_KARRAS, 1, &model), 1);
        CHECK(memcmp(state, want, sizeof want) == 0);
        CHECK_INT(model.calls, 2);
    }
}

static void a_thousand_steps_and_zero_terminal_snr_stay_finite(void)
{
    float *states = malloc((size_t)1001 * COUNT * sizeof *states);
    for (int zero = 0; zero < 2; zero++)
        for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++)
            for (int k = 0; k < ENGINE_SCHEDULE_COUNT; k++) {
                Model model = { 0 };
                int   steps = zero ? 3 : k == ENGINE_SCHEDULE_NORMAL ? 1000 : 60;
                standard_levels(&model.levels, PREDICTS_NOISE, zero);
                int  count = run(states, (EngineSampler)s, (EngineSchedule)k, steps, &model);
                bool finite = true;
                for (size_t i = 0; i < (size_t)count * COUNT; i++)
                    finite = finite && isfinite(states[i]);
                if (!CHECK(finite))
                    printf("    %s %s\n", engine_sampler_name((EngineSampler)s),
                           engine_schedule_name((EngineSchedule)k));
            }
    free(states);
}

static bool denoise_dry(void *user, Tensor denoised, Tensor x, double sigma)
{
    Model *model = user;
    CHECK(!denoised.memory && !x.memory && sigma > 0);
    model->calls++;
    return true;
}

static void a_dry_run_asks_as_often_as_a_real_one(void)
{
    for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++) {
        Model   real = { 0 }, dry = { 0 };
        Sampler sampler;
        Noise   noise;
        float   states[20 * COUNT];
        double  sigmas[SCHEDULE_MAX_SIGMAS];
        standard_levels(&real.levels, PREDICTS_NOISE, false);
        run(states, (EngineSampler)s, ENGINE_SCHEDULE_KARRAS, 20, &real);
        schedule_fill(sigmas, ENGINE_SCHEDULE_KARRAS, &real.levels, 20);
        noise_init(&noise, ENGINE_NOISE_GPU, 0);
        Dry     rehearsal;
        Arena   arena;
        Compute compute = { .scratch = &arena };
        dry_init(&rehearsal, processor()->scratch->device);
        CHECK(arena_init(&arena, &rehearsal.device, 0));
        Tensor memory = tensor_at(NULL, 0, TYPE_F32, 5, 1, 1, COUNT);
        sampler_init(&sampler, (EngineSampler)s, &compute, memory, &noise, denoise_dry, &dry);
        for (int i = 0; i < 20; i++)
            CHECK(sampler_step(&sampler, tensor_batch(memory, 4, 1), sigmas[i], sigmas[i + 1]));
        bool twice = s == ENGINE_HEUN || s == ENGINE_DPM2 || s == ENGINE_DPMPP_SDE;
        CHECK_INT(real.calls, twice ? 39 : 20);
        CHECK_INT(dry.calls, real.calls);
    }
}

static void a_run_ends_where_the_model_says_so(void)
{
    for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++) {
        Model model = { .stop_at = 4 };
        float states[20 * COUNT];
        standard_levels(&model.levels, PREDICTS_NOISE, false);
        bool twice = s == ENGINE_HEUN || s == ENGINE_DPM2 || s == ENGINE_DPMPP_SDE;
        CHECK_INT(run(states, (EngineSampler)s, ENGINE_SCHEDULE_KARRAS, 20, &model), twice ? 1 : 3);
        CHECK_INT(model.calls, 4);
    }
}

/* ---- fresh noise ---------------------------------------------------------------------------- */

/* The exact estimate where data is normal with deviation 0.5. */
static bool denoise_normal(void *user, Tensor to, Tensor from, double sigma)
{
    size_t       count = *(size_t *)user;
    float       *denoised = cpu_data(to);
    const float *x = cpu_data(from);
    for (size_t i = 0; i < count; i++)
        denoised[i] = (float)(0.25 / (0.25 + sigma * sigma) * (double)x[i]);
    return true;
}

static double variance(const float *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * (double)x[i] / (double)count;
    return sum;
}

/* Noise that is taken away and put back must leave x with the variance of its level. */
static void fresh_noise_keeps_the_variance_of_each_level(void)
{
    static const EngineSampler kinds[] = { ENGINE_EULER_A, ENGINE_DPMPP_2M_SDE, ENGINE_DPMPP_SDE };
    size_t      count = 20000;
    int         steps = 300;
    float      *x = malloc(count * sizeof *x), *memory = malloc(5 * count * sizeof *x);
    NoiseLevels levels;
    double      sigmas[SCHEDULE_MAX_SIGMAS];
    standard_levels(&levels, PREDICTS_NOISE, false);
    schedule_fill(sigmas, ENGINE_SCHEDULE_KARRAS, &levels, steps);
    for (int k = 0; k < 3; k++) {
        Noise   noise;
        Sampler sampler;
        double  worst = 0;
        noise_init(&noise, ENGINE_NOISE_GPU, 3);
        noise_fill(&noise, x, count);
        for (size_t i = 0; i < count; i++)
            x[i] = (float)(sqrt(sigmas[0] * sigmas[0] + 0.25) * (double)x[i]);
        sampler_init(&sampler, kinds[k], processor(), cpu_tensor(memory, 5, 1, 1, (int)count), &noise,
                     denoise_normal, &count);
        for (int i = 0; i < steps; i++) {
            sampler_step(&sampler, cpu_tensor(x, 1, 1, 1, (int)count), sigmas[i], sigmas[i + 1]);
            double want = sigmas[i + 1] * sigmas[i + 1] + 0.25;
            worst = fmax(worst, fabs(variance(x, count) / want - 1));
        }
        printf("    %s: variance off by %.3f\n", engine_sampler_name(kinds[k]), worst);
        CHECK(worst < 0.04); /* chance makes 1 %, the 300 steps of euler_a nearly 3 % */
    }
    free(memory);
    free(x);
}

static bool denoise_zero(void *user, Tensor denoised, Tensor x, double sigma)
{
    float **seen = user; /* x of the second call */
    (void)sigma;
    memcpy(*seen, cpu_data(x), tensor_bytes(x));
    memset(cpu_data(denoised), 0, tensor_bytes(denoised));
    return true;
}

/* dpmpp_sde adds noise twice in a step: over sigma … middle, and over all of sigma … next. */
static void both_noises_of_a_step_lie_on_one_path(void)
{
    enum { N = 20000 };
    float  *x = calloc(N, sizeof *x), *memory = calloc(5 * N, sizeof *x);
    float  *middle = calloc(N, sizeof *x);
    double  sigma = 4, next = 1, at = 2;
    Noise   noise;
    Sampler sampler;
    noise_init(&noise, ENGINE_NOISE_GPU, 11);
    sampler_init(&sampler, ENGINE_DPMPP_SDE, processor(), cpu_tensor(memory, 5, 1, 1, N), &noise,
                 denoise_zero, &middle);
    CHECK(sampler_step(&sampler, cpu_tensor(x, 1, 1, 1, N), sigma, next)); /* from x = 0 and estimates 0: only noise */
    double both = 0;
    for (int i = 0; i < N; i++)
        both += (double)x[i] * (double)middle[i] / N;
    double correlation = both / sqrt(variance(x, N) * variance(middle, N));
    CHECK(fabs(variance(middle, N) - at * at * (1 - at * at / (sigma * sigma))) < 0.1);
    CHECK(fabs(variance(x, N) - next * next * (1 - next * next / (sigma * sigma))) < 0.04);
    CHECK(fabs(correlation - sqrt((sigma - at) / (sigma - next))) < 0.02);
    free(middle);
    free(memory);
    free(x);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(every_sampler_on_every_schedule_matches_its_reference);
    RUN(every_step_matches_its_reference);
    RUN(one_step_gives_the_estimate_itself);
    RUN(a_thousand_steps_and_zero_terminal_snr_stay_finite);
    RUN(a_dry_run_asks_as_often_as_a_real_one);
    RUN(a_run_ends_where_the_model_says_so);
    RUN(fresh_noise_keeps_the_variance_of_each_level);
    RUN(both_noises_of_a_step_lie_on_one_path);
    return test_end();
}
