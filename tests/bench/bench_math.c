/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GFLOP/s of the layers at the shapes of Stable Diffusion 1.5, beside what BLAS's sgemm reaches for
 * the bare product on as many threads, in the same run:  bench_math [THREADS [PREFIX]] */
#include "compute/cpu/cpu.h"
#include "compute/layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_OPENBLAS
#include <cblas.h>
#endif

typedef struct {
    const char *name;
    char        kind; /* 'c' convolution, 'l' linear, 'a' attention */
    int         n, in, out, size, k;
    bool        fused; /* with group norm and silu */
} Shape;

static const Shape shapes[] = {
    { "conv 64x64 320", 'c', 2, 320, 320, 64, 3, true },
    { "conv 64x64 960-320", 'c', 2, 960, 320, 64, 3, true },
    { "conv 32x32 640", 'c', 2, 640, 640, 32, 3, true },
    { "conv 16x16 1280", 'c', 2, 1280, 1280, 16, 3, true },
    { "conv 16x16 2560-1280", 'c', 2, 2560, 1280, 16, 3, true },
    { "conv 8x8 1280", 'c', 2, 1280, 1280, 8, 3, true },
    { "conv 1x1 64x64 960-320", 'c', 2, 960, 320, 64, 1, false },
    { "conv VAE 512x512 128", 'c', 1, 128, 128, 512, 3, true },
    { "conv VAE 256x256 256", 'c', 1, 256, 256, 256, 3, true },
    { "conv VAE 128x128 512", 'c', 1, 512, 512, 128, 3, true },
    { "linear 8192 320-320", 'l', 1, 320, 320, 8192, 1, false },
    { "linear 8192 320-2560", 'l', 1, 320, 2560, 8192, 1, false },
    { "linear 8192 1280-320", 'l', 1, 1280, 320, 8192, 1, false },
    { "linear 2048 640-5120", 'l', 1, 640, 5120, 2048, 1, false },
    { "linear 512 1280-10240", 'l', 1, 1280, 10240, 512, 1, false },
    { "linear 512 5120-1280", 'l', 1, 5120, 1280, 512, 1, false },
    { "linear text 77 768-3072", 'l', 1, 768, 3072, 77, 1, false },
    { "attention 4096 8x40", 'a', 8, 4096, 40, 4096, 1, false },
    { "attention 1024 8x80", 'a', 8, 1024, 80, 1024, 1, false },
    { "attention 256 8x160", 'a', 8, 256, 160, 256, 1, false },
    { "attention 4096x77 8x40", 'a', 8, 77, 40, 4096, 1, false },
    { "attention VAE 4096 1x512", 'a', 1, 4096, 512, 4096, 1, false },
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct {
    Compute     *compute;
    const Shape *shape;
    float       *x, *y, *scale;
    uint16_t    *weights;
} Job;

static void run_layer(const Job *job)
{
    const Shape *s = job->shape;
    if (s->kind == 'l') {
        Linear layer = { .weight = { .data = job->weights, .type = TYPE_F16, .shape = { s->out, s->in, 1, 1 } } };
        linear(job->compute, cpu_tensor(job->y, 1, 1, s->size, s->out),
               cpu_tensor(job->x, 1, 1, s->size, s->in), &layer, false);
    } else if (s->kind == 'a') {
        int    d = s->n * s->out;
        size_t count = (size_t)d * (size_t)s->size;
        attention(job->compute, cpu_tensor(job->y, 1, 1, s->size, d),
                  cpu_tensor(job->x, 1, 1, s->size, d), cpu_tensor(job->x + count, 1, 1, s->in, d),
                  cpu_tensor(job->x + 2 * count, 1, 1, s->in, d), s->n, false);
    } else {
        Conv layer = { .weight = { .data = job->weights, .type = TYPE_F16, .shape = { s->out, s->in, s->k, s->k } } };
        ConvSettings settings = { .stride = 1 };
        if (s->fused) {
            settings.scale = settings.shift = cpu_tensor(job->scale, 1, 1, s->n, s->in);
            settings.before = ACTIVATION_SILU;
        }
        conv2d(job->compute, cpu_tensor(job->y, s->n, s->out, s->size, s->size),
               cpu_tensor(job->x, s->n, s->in, s->size, s->size), &layer, &settings);
    }
}

#ifdef HAVE_OPENBLAS
/* The bare products of the layer; those of an image at most 4096 pixels at a time, as columns of
 * more would not be made by anyone. */
static void run_sgemm(const Job *job)
{
    const Shape *s = job->shape;
    if (s->kind == 'l') {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s->size, s->out, s->in, 1, job->x,
                    s->in, job->y, s->in, 0, job->y + (size_t)s->in * (size_t)s->out, s->out);
        return;
    }
    int depth = s->in * s->k * s->k, pixels = s->n * s->size * s->size;
    for (int at = 0; at < pixels; at += 4096) {
        int count = pixels - at < 4096 ? pixels - at : 4096;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s->out, count, depth, 1, job->y,
                    depth, job->x, count, 0, job->y + (size_t)s->out * (size_t)depth, count);
    }
}
#endif

/* Best of some tries within about half a second. */
static double seconds(void (*run)(const Job *job), const Job *job)
{
    double best = 1e9, start = now();
    do {
        double before = now();
        run(job);
        double took = now() - before;
        best = took < best ? took : best;
    } while (now() - start < 0.4);
    return best;
}

int main(int argc, char **argv)
{
    /* These slow BLAS down on some machines; they are read when it is loaded. */
    if (getenv("OPENBLAS_CORETYPE") || getenv("OPENBLAS_L2_SIZE")) {
        unsetenv("OPENBLAS_CORETYPE");
        unsetenv("OPENBLAS_L2_SIZE");
        execv("/proc/self/exe", argv);
    }
    Cpu   cpu;
    Arena arena, memory;
    cpu_init(&cpu, threads_create(argc > 1 ? atoi(argv[1]) : 0), NULL, &(EngineError){ 0 });
    if (!arena_init(&arena, &cpu.device, 256 << 20) ||
        !arena_init(&memory, &cpu.device, (size_t)1 << 30))
        return 1;
    Compute   compute = { .scratch = &arena };
    float    *x = cpu_piece(arena_take(&memory, ARENA_LOW, (size_t)400 << 20));
    float    *y = cpu_piece(arena_take(&memory, ARENA_LOW, (size_t)400 << 20));
    uint16_t *weights = cpu_piece(arena_take(&memory, ARENA_LOW, (size_t)100 << 20));
    for (size_t i = 0; i < (size_t)100 << 20; i++)
        x[i] = y[i] = (float)(i * 2654435761U % 1000) * 0.002f - 1;
    for (size_t i = 0; i < (size_t)50 << 20; i++)
        weights[i] = (uint16_t)(i * 2654435761U >> 16 & 0xbbff);
    float scale[2 * 2560];
    for (int i = 0; i < 2 * 2560; i++)
        scale[i] = 0.5f;
    printf("%d threads, kernels %s, GFLOP/s\n%-26s %8s %8s\n", threads_count(cpu.threads),
           cpu.kernels->name, "", "layer", "sgemm");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        Job job = { &compute, &shapes[i], x, y, scale, weights };
        if (argc > 2 && strncmp(shapes[i].name, argv[2], strlen(argv[2])) != 0)
            continue;
        compute.flops = 0;
        run_layer(&job);
        double flops = compute.flops, layer = flops * 1e-9 / seconds(run_layer, &job);
        printf("%-26s %8.0f", shapes[i].name, layer);
#ifdef HAVE_OPENBLAS
        if (shapes[i].kind != 'a') {
            openblas_set_num_threads(threads_count(cpu.threads));
            double bare = flops * 1e-9 / seconds(run_sgemm, &job);
            printf(" %8.0f  %3.0f %%", bare, 100 * layer / bare);
        }
#endif
        printf("\n");
    }
    threads_destroy(cpu.threads);
    arena_finish(&arena);
    arena_finish(&memory);
    return 0;
}
