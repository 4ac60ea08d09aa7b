/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample/denoise.h"
#include "sample_help.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { C = 4, H = 6, W = 5, PLANE = H * W, COUNT = C * PLANE, SEED = 1234 };

/* One run: what goes in, and what the network was asked. */
typedef struct {
    NoiseLevels levels;
    double      sigmas[SCHEDULE_MAX_SIGMAS];
    float       noise[COUNT], latents[COUNT], source[COUNT];
    Noise       random;
    EngineRequest request;
    DenoiseRun  run;
    atomic_bool stop;

    int           calls, answers, reports, last_step, batch;
    int           cancel_at, stop_at; /* report or call that ends the run; 0: none */
    int           enough_after, asked; /* steps before there is enough; how often that was asked */
    bool          enough_when_stopped; /* not before a step was broken off, besides */
    float         estimate[COUNT];    /* of the last finished step */
    DenoisePrompt prompts[3];
    bool          concat_is_zero[3];
    float         first_time, last_time;
    bool          source_seen; /* x at mask 0 was source + noise * sigma in every call */
} Case;

static void predict(void *user, Compute *compute, Tensor out, Tensor latents, const float *times,
                    const DenoisePrompt *prompts, int step)
{
    Case *c = user;
    c->calls++;
    c->batch = latents.n;
    c->answers += latents.n;
    CHECK(out.n == latents.n && out.c == C && out.h == H && out.w == W && latents.h == H);
    CHECK(step >= 0 && step < c->run.steps);
    /* As a network does: more memory, on top of what the loop holds. */
    ArenaMark mark = arena_mark(compute->scratch);
    tensor_new(compute, ARENA_LOW, 1, 3, H, W);
    arena_rewind(compute->scratch, mark);
    if (c->calls == c->stop_at)
        c->stop = true;
    if (compute_dry(compute))
        return;
    c->first_time = c->calls == 1 ? times[0] : c->first_time;
    c->last_time = times[0];
    for (int i = 0; i < latents.n; i++) {
        const float *x = cpu_data(tensor_batch(latents, i, 1));
        int          planes = latents.c - C;
        c->prompts[i] = prompts[i];
        c->concat_is_zero[i] = planes > 0;
        for (int k = 0; k < planes * PLANE; k++)
            c->concat_is_zero[i] = c->concat_is_zero[i] && x[COUNT + k] == 0;
        tiny_network(cpu_data(tensor_batch(out, i, 1)), x, C, PLANE, times[i],
                     prompts[i] == DENOISE_NEGATIVE, planes ? x + COUNT : NULL, planes);
    }
    if (c->run.mask.n) {
        double sigma = noise_levels_sigma(&c->levels, (double)times[0]);
        for (int i = 0; i < COUNT; i++) {
            double want = ((double)c->source[i] + sigma * (double)c->noise[i]) /
                          sqrt(sigma * sigma + 1);
            if (cpu_data(c->run.mask)[i % PLANE] == 0 && fabs((double)cpu_data(latents)[i] - want) > 1e-4)
                c->source_seen = false;
        }
    }
}

static bool report(void *user, int step, Tensor latents, Tensor estimate)
{
    Case *c = user;
    CHECK_INT(step, c->reports);
    CHECK((step == 0) == (estimate.n == 0));
    CHECK(latents.c == C);
    c->last_step = step;
    if (estimate.n && estimate.memory)
        memcpy(c->estimate, cpu_data(estimate), sizeof c->estimate);
    return ++c->reports != c->cancel_at;
}

static bool enough(void *user)
{
    Case *c = user;
    c->asked++;
    if (c->last_step < c->enough_after || (c->enough_when_stopped && !c->stop))
        return false;
    c->stop = false;
    return true;
}

/* cfg 1, euler, karras, 20 steps, from noise; to be changed before case_run(). */
static void case_init(Case *c)
{
    *c = (Case){ .source_seen = true };
    standard_levels(&c->levels, PREDICTS_NOISE, false);
    noise_init(&c->random, ENGINE_NOISE_GPU, SEED);
    noise_fill(&c->random, c->noise, COUNT);
    memcpy(c->source, golden_floats("loop.source", COUNT), sizeof c->source);
    int steps = schedule_fill(c->sigmas, ENGINE_SCHEDULE_KARRAS, &c->levels, 20);
    c->request = (EngineRequest){ .cfg = 1, .image_cfg = 1, .guidance_end = 1 };
    c->run = (DenoiseRun){ .levels = &c->levels, .sampler = ENGINE_EULER, .sigmas = c->sigmas,
                           .steps = steps,
                           .request = &c->request, .random = &c->random,
                           .noise = cpu_tensor(c->noise, 1, C, H, W), .predict = predict,
                           .report = report, .user = c };
}

static void case_schedule(Case *c, EngineSchedule schedule, int first)
{
    c->run.steps = schedule_fill(c->sigmas, schedule, &c->levels, 20) - first;
    c->run.sigmas = c->sigmas + first;
}

static void case_source(Case *c, const float *mask)
{
    c->run.source = cpu_tensor(c->source, 1, C, H, W);
    c->run.from_source = true;
    if (mask)
        c->run.mask = cpu_tensor((float *)mask, 1, 1, H, W);
}

static void case_enough(Case *c, int after_steps)
{
    c->run.enough = enough;
    c->enough_after = after_steps;
}

static void forget_calls(Case *c)
{
    c->calls = c->answers = c->reports = 0;
    c->stop = false;
}

/* Dry, then real, as the engine does. */
static bool case_run(Case *c)
{
    Cpu        cpu;
    Dry        dry;
    Arena      arena;
    Compute    compute = { .scratch = &arena, .stop = &c->stop };
    DenoiseRun real = c->run;
    Noise      random = c->random;
    Threads   *threads = threads_create(1);
    cpu_init(&cpu, threads, NULL, &(EngineError){ 0 });
    dry_init(&dry, &cpu.device);
    CHECK(arena_init(&arena, &dry.device, 0));
    c->run.noise.memory = c->run.source.memory = c->run.mask.memory = c->run.concat.memory = NULL;
    int  stop_at = c->stop_at;
    c->stop_at = c->run.enough ? 0 : stop_at;
    bool went = denoise(&compute, tensor_at(NULL, 0, TYPE_F32, 1, C, H, W), &c->run);
    c->stop_at = stop_at;
    CHECK_INT(c->asked, 0);
    int  dry_calls = c->calls, dry_reports = c->reports;
    size_t peak = arena.peak;
    arena_finish(&arena);
    CHECK(memcmp(&random, &c->random, sizeof random) == 0); /* no number was drawn */
    c->run = real;
    forget_calls(c);
    CHECK(arena_init(&arena, &cpu.device, peak));
    ArenaMark empty = arena_mark(&arena);
    /* NaN, as an old run may leave */
    memset(cpu_piece(arena_take(&arena, ARENA_LOW, peak / 2)), 0xff, peak / 2);
    arena_rewind(&arena, empty);
    bool done = denoise(&compute, cpu_tensor(c->latents, 1, C, H, W), &c->run);
    if (!c->run.enough) {
        CHECK(went == done);
        CHECK_INT(dry_calls, c->calls);
        CHECK_INT(dry_reports, c->reports);
    }
    CHECK(arena.peak == peak);
    CHECK(arena.low == 0 && arena.high == 0);
    arena_finish(&arena);
    threads_destroy(threads);
    return done;
}

static void check_golden(Case *c, const char *name)
{
    CHECK(case_run(c));
    CHECK_NEAR(c->latents, golden_floats(name, COUNT), COUNT, 2e-5);
    CHECK_INT(c->last_step, c->run.steps);
}

/* ---- guidance ------------------------------------------------------------------------------- */

static void guidance_matches_its_reference(void)
{
    Case c;
    case_init(&c);
    c.request.cfg = 7;
    c.run.sampler = ENGINE_DPMPP_2M;
    check_golden(&c, "loop.cfg");
    CHECK_INT(c.batch, 2);
    CHECK_INT(c.calls, 20);

    case_init(&c);
    c.request.cfg = 7;
    c.run.sampler = ENGINE_DPMPP_SDE;
    check_golden(&c, "loop.cfg_sde");
}

static void guidance_one_asks_for_one_answer_only(void)
{
    Case c;
    case_init(&c);
    CHECK(case_run(&c));
    CHECK_INT(c.batch, 1);
    CHECK(c.prompts[0] == DENOISE_POSITIVE);
    CHECK_NEAR(c.latents, golden_floats("end.euler.karras.20", COUNT), COUNT, 1e-4);

    case_init(&c);
    c.request.cfg = 0;
    CHECK(case_run(&c));
    CHECK_INT(c.batch, 1);
    CHECK(c.prompts[0] == DENOISE_NEGATIVE);
}

static void rescaled_guidance_matches_its_reference(void)
{
    Case c;
    case_init(&c);
    c.request.cfg = 7;
    c.request.cfg_rescale = 0.7f;
    case_schedule(&c, ENGINE_SCHEDULE_NORMAL, 0);
    check_golden(&c, "loop.rescale");
}

static void guidance_within_an_interval_matches_its_reference(void)
{
    Case c;
    case_init(&c);
    c.request.cfg = 7;
    c.request.guidance_start = 0.2f;
    c.request.guidance_end = 0.6f;
    c.run.sampler = ENGINE_DPMPP_2M;
    check_golden(&c, "loop.interval");
    CHECK_INT(c.calls, 20);
    CHECK_INT(c.answers, 20 + 7); /* the fifth step, which begins at 0.2, is not guided yet */

    case_init(&c);
    c.request.cfg = 7;
    c.request.cfg_rescale = 0.7f;
    c.request.guidance_end = 0.35f;
    case_schedule(&c, ENGINE_SCHEDULE_NORMAL, 0);
    check_golden(&c, "loop.interval_rescale");

    case_init(&c);
    c.request.cfg = 7.5f;
    c.request.image_cfg = 1.5f;
    c.request.guidance_start = 0.5f;
    c.run.instruct = true;
    c.run.concat = cpu_tensor((float *)golden_floats("loop.image", COUNT), 1, C, H, W);
    check_golden(&c, "loop.interval_instruct");
    CHECK_INT(c.answers, 11 + 9 * 3);
}

static void an_interval_without_a_step_is_no_guidance(void)
{
    Case with, without;
    case_init(&with);
    with.request.cfg = 7;
    with.request.guidance_start = 1;
    CHECK(case_run(&with));
    case_init(&without);
    CHECK(case_run(&without));
    CHECK(memcmp(with.latents, without.latents, sizeof with.latents) == 0);
    CHECK_INT(with.answers, 20);
}

static void extreme_guidance_stays_finite(void)
{
    static const float values[] = { 0, 1, 30, 100 };
    for (int i = 0; i < 4; i++)
        for (int rescale = 0; rescale < 2; rescale++) {
            Case c;
            case_init(&c);
            c.request.cfg = values[i];
            c.request.cfg_rescale = (float)rescale;
            CHECK(case_run(&c));
            for (int k = 0; k < COUNT; k++)
                CHECK(isfinite(c.latents[k]));
        }
}

static void v_prediction_matches_its_reference(void)
{
    Case c;
    case_init(&c);
    standard_levels(&c.levels, PREDICTS_V, false);
    c.request.cfg = 5;
    c.run.sampler = ENGINE_HEUN;
    case_schedule(&c, ENGINE_SCHEDULE_EXPONENTIAL, 0);
    check_golden(&c, "loop.v");

    case_init(&c);
    standard_levels(&c.levels, PREDICTS_V, true);
    c.request.cfg = 5;
    c.request.cfg_rescale = 0.7f;
    c.run.sampler = ENGINE_DPMPP_2M;
    case_schedule(&c, ENGINE_SCHEDULE_KARRAS, 0);
    check_golden(&c, "loop.v_zero_snr");
    CHECK(c.first_time == 999);
}

static void instruct_guidance_matches_its_reference(void)
{
    Case c;
    case_init(&c);
    c.request.cfg = 7.5f;
    c.request.image_cfg = 1.5f;
    c.run.instruct = true;
    c.run.concat = cpu_tensor((float *)golden_floats("loop.image", COUNT), 1, C, H, W);
    check_golden(&c, "loop.instruct");
    CHECK_INT(c.batch, 3);
    CHECK(c.prompts[0] == DENOISE_POSITIVE && c.prompts[1] == DENOISE_NEGATIVE &&
          c.prompts[2] == DENOISE_NEGATIVE);
    CHECK(!c.concat_is_zero[0] && !c.concat_is_zero[1] && c.concat_is_zero[2]);

    c.request.image_cfg = 1; /* the answer without picture has no share */
    forget_calls(&c);
    CHECK(case_run(&c));
    CHECK_INT(c.batch, 2);
}

static void inpainting_channels_stand_behind_the_latents(void)
{
    Case c;
    case_init(&c);
    c.request.cfg = 7;
    c.run.sampler = ENGINE_DPMPP_2M;
    c.run.concat = cpu_tensor((float *)golden_floats("loop.beyond", 5 * PLANE), 1, 5, H, W);
    check_golden(&c, "loop.inpaint");
    CHECK(!c.concat_is_zero[0] && !c.concat_is_zero[1]);
}

/* ---- source and mask ------------------------------------------------------------------------ */

static void strength_starts_from_the_noised_source(void)
{
    Case c;
    case_init(&c);
    c.request.cfg = 7;
    c.run.sampler = ENGINE_DPMPP_2M;
    case_schedule(&c, ENGINE_SCHEDULE_KARRAS, 8);
    case_source(&c, NULL);
    check_golden(&c, "loop.strength");
    CHECK_INT(c.calls, 12);
}

static void soft_mask_matches_its_reference(void)
{
    static const struct {
        const char    *name;
        EngineSampler  sampler;
        EngineSchedule schedule;
        int            first;
    } cases[] = {
        { "loop.mask", ENGINE_DPMPP_2M, ENGINE_SCHEDULE_KARRAS, 0 },
        { "loop.mask_strength", ENGINE_HEUN, ENGINE_SCHEDULE_NORMAL, 5 },
        { "loop.mask_ancestral", ENGINE_EULER_A, ENGINE_SCHEDULE_KARRAS, 0 },
    };
    for (int i = 0; i < 3; i++) {
        Case c;
        case_init(&c);
        c.request.cfg = 7;
        c.run.sampler = cases[i].sampler;
        case_schedule(&c, cases[i].schedule, cases[i].first);
        case_source(&c, golden_floats("loop.soft", PLANE));
        check_golden(&c, cases[i].name);
        CHECK(c.source_seen);
    }
}

static void mask_zero_keeps_the_source_bit_for_bit(void)
{
    const float *soft = golden_floats("loop.soft", PLANE);
    for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++) {
        Case c;
        int  kept = 0;
        case_init(&c);
        c.run.sampler = (EngineSampler)s;
        case_source(&c, soft);
        CHECK(case_run(&c));
        for (int i = 0; i < COUNT; i++)
            if (soft[i % PLANE] == 0) {
                CHECK(c.latents[i] == c.source[i]);
                kept++;
            } else {
                CHECK(c.latents[i] != c.source[i]);
            }
        CHECK(kept > 0);
    }
}

static void mask_of_ones_is_no_mask(void)
{
    float ones[PLANE];
    Case  with, without;
    for (int i = 0; i < PLANE; i++)
        ones[i] = i % 2 ? 1 : 0.992f; /* above 0.99 counts as 1 */
    case_init(&with);
    case_init(&without);
    case_source(&with, ones);
    case_source(&without, NULL);
    CHECK(case_run(&with) && case_run(&without));
    CHECK(memcmp(with.latents, without.latents, sizeof with.latents) == 0);
}

static void one_step_paints_all_that_the_mask_touches(void)
{
    const float *soft = golden_floats("loop.soft", PLANE);
    Case         c;
    case_init(&c);
    case_schedule(&c, ENGINE_SCHEDULE_KARRAS, 19);
    case_source(&c, soft);
    CHECK(case_run(&c));
    for (int i = 0; i < COUNT; i++)
        CHECK((c.latents[i] == c.source[i]) == (soft[i % PLANE] == 0));
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void times_are_not_rounded(void)
{
    Case c;
    case_init(&c);
    CHECK(case_run(&c));
    CHECK(c.first_time == 999 && c.last_time == 0);
    case_schedule(&c, ENGINE_SCHEDULE_KARRAS, 10);
    forget_calls(&c);
    CHECK(case_run(&c));
    CHECK(c.first_time != floorf(c.first_time));
    CHECK(fabs((double)c.first_time - noise_levels_time(&c.levels, c.sigmas[10])) < 1e-4);
}

static void report_ends_the_run(void)
{
    for (int at = 1; at <= 21; at++) {
        Case c;
        case_init(&c);
        c.cancel_at = at;
        CHECK(!case_run(&c));
        CHECK_INT(c.reports, at);
        CHECK_INT(c.calls, at - 1);
    }
}

static void stop_ends_the_run_within_a_step(void)
{
    for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++) {
        Case c;
        case_init(&c);
        c.run.sampler = (EngineSampler)s;
        c.stop_at = 6;
        CHECK(!case_run(&c));
        CHECK_INT(c.calls, 6);
    }
}

/* Evaluations of a step that is not the last. */
static int calls_of_a_step(EngineSampler sampler)
{
    return sampler == ENGINE_HEUN || sampler == ENGINE_DPM2 || sampler == ENGINE_DPMPP_SDE ? 2 : 1;
}

static void enough_after_a_step_gives_its_estimate(void)
{
    for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++)
        for (int step = 1; step < 20; step += 6) {
            Case c;
            case_init(&c);
            c.run.sampler = (EngineSampler)s;
            case_enough(&c, step);
            CHECK(case_run(&c));
            CHECK_INT(c.last_step, step);
            CHECK_INT(c.asked, step);
            CHECK_INT(c.calls, step * calls_of_a_step(c.run.sampler));
            CHECK(memcmp(c.latents, c.estimate, sizeof c.latents) == 0);
        }
}

static void enough_within_a_step_gives_the_estimate_of_the_one_before(void)
{
    for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++)
        for (int call = 1; call <= calls_of_a_step((EngineSampler)s); call++) {
            Case c;
            case_init(&c);
            c.run.sampler = (EngineSampler)s;
            case_enough(&c, 3);
            c.enough_when_stopped = true;
            c.stop_at = 3 * calls_of_a_step(c.run.sampler) + call;
            CHECK(case_run(&c));
            CHECK_INT(c.calls, c.stop_at);
            CHECK_INT(c.last_step, 3);
            CHECK(!c.stop);
            CHECK(memcmp(c.latents, c.estimate, sizeof c.latents) == 0);
        }
}

static void enough_waits_for_the_first_step(void)
{
    Case c;
    case_init(&c);
    case_enough(&c, 0);
    CHECK(case_run(&c));
    CHECK_INT(c.last_step, 1);
    CHECK(memcmp(c.latents, c.estimate, sizeof c.latents) == 0);

    case_init(&c);
    case_enough(&c, 0);
    c.stop_at = 1; /* a cancel */
    CHECK(!case_run(&c));
    CHECK_INT(c.asked, 0);
}

static void a_stop_that_is_no_enough_ends_the_run(void)
{
    Case c;
    case_init(&c);
    case_enough(&c, 20);
    c.stop_at = 6;
    CHECK(!case_run(&c));
    CHECK_INT(c.calls, 6);
    CHECK(c.stop);
}

static void enough_after_the_last_step_is_the_whole_run(void)
{
    Case with, without;
    case_init(&with);
    case_init(&without);
    with.run.sampler = without.run.sampler = ENGINE_DPMPP_2M;
    case_enough(&with, 20);
    CHECK(case_run(&with) && case_run(&without));
    CHECK_INT(with.asked, 19);
    CHECK(memcmp(with.latents, without.latents, sizeof with.latents) == 0);
}

static void enough_keeps_what_is_known_as_a_whole_run_does(void)
{
    const float *soft = golden_floats("loop.soft", PLANE);
    for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++) {
        Case c;
        case_init(&c);
        c.run.sampler = (EngineSampler)s;
        case_source(&c, soft);
        case_enough(&c, 15);
        CHECK(case_run(&c));
        CHECK_INT(c.last_step, 15);
        int known = 0, painted = 0;
        for (int i = 0; i < COUNT; i++) {
            CHECK(c.latents[i] == (soft[i % PLANE] == 0 ? c.source[i] : c.estimate[i]));
            known += soft[i % PLANE] == 0;
            painted += c.latents[i] != c.source[i];
        }
        CHECK(known > 0 && painted > 0);
    }
}

static void the_same_run_gives_the_same_bits(void)
{
    for (int s = 0; s < ENGINE_SAMPLER_COUNT; s++) {
        Case a, b;
        case_init(&a);
        case_init(&b);
        a.run.sampler = b.run.sampler = (EngineSampler)s;
        CHECK(case_run(&a) && case_run(&b));
        CHECK(memcmp(a.latents, b.latents, sizeof a.latents) == 0);
    }
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(guidance_matches_its_reference);
    RUN(guidance_one_asks_for_one_answer_only);
    RUN(rescaled_guidance_matches_its_reference);
    RUN(guidance_within_an_interval_matches_its_reference);
    RUN(an_interval_without_a_step_is_no_guidance);
    RUN(extreme_guidance_stays_finite);
    RUN(v_prediction_matches_its_reference);
    RUN(instruct_guidance_matches_its_reference);
    RUN(inpainting_channels_stand_behind_the_latents);
    RUN(strength_starts_from_the_noised_source);
    RUN(soft_mask_matches_its_reference);
    RUN(mask_zero_keeps_the_source_bit_for_bit);
    RUN(mask_of_ones_is_no_mask);
    RUN(one_step_paints_all_that_the_mask_touches);
    RUN(times_are_not_rounded);
    RUN(report_ends_the_run);
    RUN(stop_ends_the_run_within_a_step);
    RUN(enough_after_a_step_gives_its_estimate);
    RUN(enough_within_a_step_gives_the_estimate_of_the_one_before);
    RUN(enough_waits_for_the_first_step);
    RUN(a_stop_that_is_no_enough_ends_the_run);
    RUN(enough_after_the_last_step_is_the_whole_run);
    RUN(enough_keeps_what_is_known_as_a_whole_run_does);
    RUN(the_same_run_gives_the_same_bits);
    return test_end();
}
