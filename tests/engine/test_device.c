/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks and whole runs on a device whose memory the host cannot reach: nobody above the face of
 * compute/ looks into a tensor, and the answers are those of the processor. */
#include "compute/dry.h"
#include "demo_help.h"
#include "edit.h"
#include "guarded.h"
#include "model_help.h"
#include "networks/clip.h"
#include "networks/unet.h"
#include "networks/vae.h"
#include "run/engine_parts.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 2 };

static Threads *pool(void)
{
    static Threads *threads;
    if (!threads)
        threads = threads_create(THREADS);
    return threads;
}

/* ---- networks -------------------------------------------------------------------------------- */

/* What goes in and comes out lies with the host. */
typedef struct {
    const char  *model;
    const Unet  *unet;
    const Vae   *vae;
    const Taesd *taesd; /* instead of vae */
    const char  *in, *want;
    float       *out;
} Run;

static Tensor on_device(Compute *compute, Tensor host)
{
    Tensor x = tensor_new(compute, ARENA_LOW, host.n, host.c, host.h, host.w);
    upload(compute, x, cpu_data(host));
    return x;
}

static void unet_body(Compute *compute, const Run *run)
{
    Tensor latents = on_device(compute, golden_tensor(run->model, "latents"));
    Tensor contexts[2] = { on_device(compute, golden_tensor(run->model, "context.0")),
                           on_device(compute, golden_tensor(run->model, "context.1")) };
    Tensor out = tensor_new(compute, ARENA_LOW, latents.n, 4, latents.h, latents.w);
    Tensor labels = { 0 };
    int    shape[TENSOR_MAX_RANK];
    if (golden_has(run->model, "y")) {
        const float *y = golden_numbers(run->model, "y", shape);
        labels = tensor_new(compute, ARENA_LOW, 1, 1, shape[0], shape[1]);
        upload(compute, labels, y);
    }
    unet_forward(compute, run->unet, out, latents, golden_numbers(run->model, "timesteps", NULL),
                 contexts, labels, 1, false, false);
    read_back(compute, run->out, out);
}

static void vae_body(Compute *compute, const Run *run)
{
    Tensor in = on_device(compute, golden_tensor(run->model, run->in));
    Tensor want = golden_tensor(run->model, run->want);
    Tensor out = tensor_new(compute, ARENA_LOW, want.n, want.c, want.h, want.w);
    bool   encode = strcmp(run->in, "image") == 0, wrap = strcmp(run->want, "decoded_tiled") == 0;
    if (run->taesd)
        (encode ? taesd_encode : taesd_decode)(compute, run->taesd, out, in);
    else
        (encode ? vae_encode : vae_decode)(compute, run->vae, out, in, wrap, wrap);
    read_back(compute, run->out, out);
}

/* Rehearsed for this device, then run on it with exactly that memory. */
static void check_run(void (*body)(Compute *compute, const Run *run), Run run)
{
    Guarded guarded;
    Dry     dry;
    Arena   rehearsal, arena;
    Tensor  want = golden_tensor(run.model, run.want);
    guarded_init(&guarded, pool());
    dry_init(&dry, &guarded.device);
    run.out = malloc(tensor_bytes(want));
    CHECK(arena_init(&rehearsal, &dry.device, 0));
    body(&(Compute){ .scratch = &rehearsal }, &run);
    CHECK(guarded.operations == 0);
    CHECK(arena_init(&arena, &guarded.device, rehearsal.peak));
    body(&(Compute){ .scratch = &arena }, &run);
    CHECK(guarded.operations > 10 && arena.peak == rehearsal.peak);
    if (!CHECK_NEAR(run.out, cpu_data(want), tensor_count(want), 1e-4))
        printf("     of %s, %s\n", run.model, run.want);
    arena_finish(&arena);
    arena_finish(&rehearsal);
    free(run.out);
}

static void golden_networks_run_where_the_host_cannot_look(void)
{
    static const char *const models[] = { "sd1", "sd2", "sdxl", "sd1_inpaint" };
    for (int m = 0; m < 4; m++) {
        char        file[64];
        ModelConfig config;
        EngineError error = { 0 };
        snprintf(file, sizeof file, "%s.safetensors", models[m]);
        Checkpoint *checkpoint = golden_checkpoint(file, &config);
        Unet       *unet = unet_create(checkpoint, &config.unet, &error);
        Vae        *vae = vae_create(checkpoint, &config.vae, &error);
        CHECK(unet && vae);
        Run run = { .model = models[m], .unet = unet, .vae = vae, .want = "output" };
        check_run(unet_body, run);
        run.in = "z";
        run.want = "decoded";
        check_run(vae_body, run);
        if (m == 0) {
            run.want = "decoded_tiled";
            check_run(vae_body, run);
        }
        run.in = "image";
        run.want = "moments";
        check_run(vae_body, run);
        unet_destroy(unet);
        vae_destroy(vae);
        checkpoint_close(checkpoint);
    }
}

static void the_preview_model_runs_where_the_host_cannot_look(void)
{
    char             path[1024], model[1024];
    EngineError      error = { 0 };
    CheckpointExtras extras = { .taesd = golden_path(path, "taesd") };
    Checkpoint      *checkpoint =
        checkpoint_open(golden_path(model, "sd1.safetensors"), &extras, &error);
    Taesd           *taesd = checkpoint ? taesd_create(checkpoint, &error) : NULL;
    CHECK(taesd != NULL);
    check_run(vae_body, (Run){ .model = "taesd", .taesd = taesd, .in = "latents", .want = "decoded" });
    check_run(vae_body, (Run){ .model = "taesd", .taesd = taesd, .in = "image", .want = "encoded" });
    taesd_destroy(taesd);
    checkpoint_close(checkpoint);
}

/* ---- whole runs ------------------------------------------------------------------------------ */

static void take_stage(void *user, const char *name, const float *data, int rank, const int *shape)
{
    double *sum = user;
    size_t  count = 1;
    (void)name;
    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    for (size_t i = 0; i < count; i++)
        *sum += (double)data[i];
}

static void check_picture(Engine *engine, EngineRequest request)
{
    EngineError   error = { 0 };
    EnginePicture plain = { 0 }, locked = { 0 };
    Guarded       guarded;
    Device       *real = engine->session->device;
    double        seen[2] = { 0 };
    request.observe = take_stage;
    request.user = &seen[0];
    if (!CHECK(engine_generate(engine, &request, &plain, &error)))
        printf("     %s\n", error.message);
    arena_finish(&engine->session->arena);
    guarded_init(&guarded, engine->session->threads);
    engine->session->device = &guarded.device;
    request.user = &seen[1];
    if (!CHECK(engine_generate(engine, &request, &locked, &error)))
        printf("     %s\n", error.message);
    arena_finish(&engine->session->arena);
    engine->session->device = real;
    CHECK(guarded.operations > 100 && seen[0] == seen[1]);
    CHECK(plain.pixels && locked.pixels &&
          memcmp(plain.pixels, locked.pixels,
                 3 * (size_t)plain.width * (size_t)plain.height * sizeof(float)) == 0);
    engine_picture_clear(&plain);
    engine_picture_clear(&locked);
}

static void whole_runs_give_the_processors_bits_where_the_host_cannot_look(void)
{
    enum { SIDE = 64 };
    static float  colours[3 * SIDE * SIDE], soft[SIDE * SIDE];
    EnginePicture source = { SIDE, SIDE, 3, colours }, mask = { SIDE, SIDE, 1, soft };
    Engine       *engine = demo_open(THREADS);
    for (int i = 0; i < SIDE * SIDE; i++) {
        soft[i] = (float)(i % SIDE) / (SIDE - 1);
        for (int c = 0; c < 3; c++)
            colours[3 * i + c] = (float)((i * (c + 3)) % 255) / 255;
    }
    EngineRequest request = engine_request_default(engine);
    request.prompt = "a (red:1.3) apple";
    request.negative_prompt = "blue";
    request.width = request.height = SIDE;
    request.steps = 2;
    request.seed = 3;
    request.want_preview = true;
    check_picture(engine, request);
    request.sampler = ENGINE_DPMPP_SDE; /* draws noise on the way */
    request.cfg_rescale = 0.7f;
    check_picture(engine, request);
    request.source = &source;
    request.mask = &mask;
    request.steps = 4;
    check_picture(engine, request);
    demo_close(engine);
}

/* ---- the guard itself ------------------------------------------------------------------------ */

static void who_looks_into_a_locked_tensor_dies(void)
{
    Guarded guarded;
    Arena   arena;
    int     status = 0;
    guarded_init(&guarded, pool());
    CHECK(arena_init(&arena, &guarded.device, 1 << 16));
    Compute compute = { .scratch = &arena };
    Tensor  x = tensor_new(&compute, ARENA_LOW, 1, 1, 1, 64);
    fill(&compute, x, 1);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(0);
        _exit(*(volatile float *)cpu_data(x) == 1 ? 0 : 2);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    float host[64];
    read_back(&compute, host, x);
    CHECK(host[0] == 1 && host[63] == 1);
    arena_finish(&arena);
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(golden_networks_run_where_the_host_cannot_look);
    RUN(the_preview_model_runs_where_the_host_cannot_look);
    RUN(whole_runs_give_the_processors_bits_where_the_host_cannot_look);
    RUN(who_looks_into_a_locked_tensor_dies);
    return test_end();
}
