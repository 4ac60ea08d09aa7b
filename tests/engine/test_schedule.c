/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample/schedule.h"
#include "sample_help.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void init(NoiseLevels *levels, bool zero_terminal_snr)
{
    standard_levels(levels, PREDICTS_NOISE, zero_terminal_snr);
}

/* Largest relative difference. */
static double worst(const double *got, const double *want, size_t count)
{
    double result = 0;
    for (size_t i = 0; i < count; i++) {
        double error = want[i] == got[i] ? 0 : fabs(got[i] - want[i]) / fabs(want[i]);
        if (!(error <= result))
            result = error;
    }
    return result;
}

static void levels_equal_the_reference(void)
{
    for (int zero = 0; zero < 2; zero++) {
        NoiseLevels   levels;
        size_t        count;
        const double *want = golden_doubles(zero ? "levels.zero_snr" : "levels", &count);
        init(&levels, zero);
        CHECK_INT(count, NOISE_LEVEL_COUNT);
        CHECK(worst(levels.sigmas, want, count) < 1e-12);
    }
}

static void levels_of_stable_diffusion_are_the_known_ones(void)
{
    NoiseLevels levels;
    init(&levels, false);
    CHECK(fabs(levels.sigmas[0] - 0.0291675) < 1e-6);
    CHECK(fabs(levels.sigmas[NOISE_LEVEL_COUNT - 1] - 14.614642) < 1e-5);
}

static void schedules_equal_the_reference(void)
{
    static const int steps[] = { 1, 2, 7, 20, 999 };
    for (int zero = 0; zero < 2; zero++) {
        NoiseLevels levels;
        init(&levels, zero);
        for (int s = 0; s < ENGINE_SCHEDULE_COUNT; s++)
            for (int i = 0; i < 5; i++) {
                EngineSchedule schedule = (EngineSchedule)s;
                double         got[SCHEDULE_MAX_SIGMAS];
                char           name[96];
                size_t         count;
                if (steps[i] == 999 && s != ENGINE_SCHEDULE_DDIM_UNIFORM &&
                    s != ENGINE_SCHEDULE_BETA)
                    continue;
                snprintf(name, sizeof name, "sigmas%s.%s.%d", zero ? ".zero_snr" : "",
                         engine_schedule_name(schedule), steps[i]);
                const double *want = golden_doubles(name, &count);
                int           made = schedule_fill(got, schedule, &levels, steps[i]);
                if (!CHECK_INT(made + 1, (long long)count) ||
                    !CHECK(worst(got, want, count) < 1e-12))
                    printf("    %s\n", name);
            }
    }
}

static void schedules_fall_to_zero_for_every_number_of_steps(void)
{
    for (int zero = 0; zero < 2; zero++) {
        NoiseLevels levels;
        init(&levels, zero);
        for (int s = 0; s < ENGINE_SCHEDULE_COUNT; s++)
            for (int steps = 1; steps <= 1000; steps++) {
                if (s == ENGINE_SCHEDULE_BETA && steps > 64 && steps % 39)
                    continue; /* its quantiles take 10 ms a run */
                double sigmas[SCHEDULE_MAX_SIGMAS];
                int    count = schedule_fill(sigmas, (EngineSchedule)s, &levels, steps);
                bool   falls = count >= 1 && count < SCHEDULE_MAX_SIGMAS && sigmas[count] == 0;
                for (int i = 0; falls && i < count; i++)
                    falls = isfinite(sigmas[i]) && sigmas[i] > sigmas[i + 1];
                if (s != ENGINE_SCHEDULE_BETA)
                    falls = falls && count == steps;
                if (!CHECK(falls)) {
                    printf("    %s, %d steps\n", engine_schedule_name((EngineSchedule)s), steps);
                    return;
                }
            }
    }
}

static void time_and_sigma_are_inverse(void)
{
    for (int zero = 0; zero < 2; zero++) {
        NoiseLevels levels;
        init(&levels, zero);
        for (double time = 0; time <= 999; time += 0.37) {
            double sigma = noise_levels_sigma(&levels, time);
            CHECK(fabs(noise_levels_time(&levels, sigma) - time) < 1e-8);
        }
        for (int i = 0; i < NOISE_LEVEL_COUNT; i++)
            CHECK(fabs(noise_levels_time(&levels, levels.sigmas[i]) - i) < 1e-9);
    }
}

static void time_between_two_levels_is_not_rounded(void)
{
    NoiseLevels levels;
    init(&levels, false);
    double middle = sqrt(levels.sigmas[400] * levels.sigmas[401]);
    CHECK(fabs(noise_levels_time(&levels, middle) - 400.5) < 1e-9);
}

static void time_stays_in_the_trained_range(void)
{
    NoiseLevels levels;
    init(&levels, false);
    CHECK(noise_levels_time(&levels, 1e-9) == 0);
    CHECK(noise_levels_time(&levels, 0) == 0);
    CHECK(noise_levels_time(&levels, 1e9) == 999);
}

static void strength_is_the_share_of_steps_that_run(void)
{
    static const struct {
        int    steps;
        float  strength;
        int    layout, first;
    } cases[] = {
        { 20, 1.0f, 20, 0 },   { 20, 0.75f, 20, 5 }, { 20, 0.5f, 20, 10 }, { 20, 0.4f, 20, 12 },
        { 20, 0.2f, 20, 16 },  { 20, 0.1f, 40, 36 }, { 20, 0.15f, 26, 22 }, { 4, 0.5f, 8, 4 },
        { 1, 1.0f, 1, 0 },     { 3, 1.0f, 3, 0 },    { 20, 0.001f, 1000, 996 },
        { 10, 0.2f, 20, 16 },
        { 1000, 0.3f, 1000, 700 }, { 20, 0.99f, 20, 0 }, { 1, 0.999f, 4, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int layout, first;
        schedule_strength(cases[i].steps, (double)cases[i].strength, &layout, &first);
        if (!CHECK_INT(layout, cases[i].layout) || !CHECK_INT(first, cases[i].first))
            printf("    %d steps, strength %g\n", cases[i].steps, (double)cases[i].strength);
    }
}

static void names_find_their_sampler_and_schedule(void)
{
    for (int i = 0; i < ENGINE_SAMPLER_COUNT; i++) {
        EngineSampler sampler = ENGINE_SAMPLER_COUNT;
        CHECK(engine_sampler_from_name(engine_sampler_name((EngineSampler)i), &sampler));
        CHECK_INT(sampler, i);
        CHECK(engine_sampler_from_name(engine_sampler_label((EngineSampler)i), &sampler));
        CHECK_INT(sampler, i);
    }
    for (int i = 0; i < ENGINE_SCHEDULE_COUNT; i++) {
        EngineSchedule schedule = ENGINE_SCHEDULE_COUNT;
        CHECK(engine_schedule_from_name(engine_schedule_name((EngineSchedule)i), &schedule));
        CHECK_INT(schedule, i);
        CHECK(engine_schedule_from_name(engine_schedule_label((EngineSchedule)i), &schedule));
        CHECK_INT(schedule, i);
    }
    EngineSampler sampler = ENGINE_HEUN;
    CHECK(engine_sampler_from_name("dpm++ 2m SDE", &sampler));
    CHECK_INT(sampler, ENGINE_DPMPP_2M_SDE);
    CHECK(!engine_sampler_from_name("eule", &sampler));
    CHECK(!engine_sampler_from_name("", &sampler));
    CHECK_INT(sampler, ENGINE_DPMPP_2M_SDE);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(levels_equal_the_reference);
    RUN(levels_of_stable_diffusion_are_the_known_ones);
    RUN(schedules_equal_the_reference);
    RUN(schedules_fall_to_zero_for_every_number_of_steps);
    RUN(time_and_sigma_are_inverse);
    RUN(time_between_two_levels_is_not_rounded);
    RUN(time_stays_in_the_trained_range);
    RUN(strength_is_the_share_of_steps_that_run);
    RUN(names_find_their_sampler_and_schedule);
    return test_end();
}
