/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cpu.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define CPU_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CPU_POISONS 1
#endif
#endif
#ifdef CPU_POISONS
#include <sanitizer/asan_interface.h>
#endif

/* A cache line, which is also the widest vector. 2 MB is x86's huge page. */
enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20 };

static size_t whole_pages(size_t bytes)
{
    return (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

/* Zero pages, advised for huge pages: page faults cost a third of a run on virtual machines
 * otherwise.  The map is made larger, then trimmed, to begin on a huge page. */
static bool memory_create(const Device *device, DeviceMemory **memory, size_t bytes)
{
    (void)device;
    if (bytes > SIZE_MAX / 2)
        return false;
    size_t         size = whole_pages(bytes);
    unsigned char *map =
        mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return false;
    size_t skip = (size_t)(-(uintptr_t)map % HUGE_PAGE);
    if (skip)
        munmap(map, skip);
    munmap(map + skip + size, HUGE_PAGE - skip);
#ifdef MADV_HUGEPAGE
    madvise(map + skip, size, MADV_HUGEPAGE);
#endif
    *memory = (DeviceMemory *)(void *)(map + skip);
    return true;
}

static void memory_destroy(const Device *device, DeviceMemory *memory, size_t bytes)
{
    (void)device;
    munmap(memory, whole_pages(bytes));
}

/* Tells ASan which parts of the arena are taken, else an overrun within the one map is never
 * seen. */
#ifdef CPU_POISONS
static void poison(const Device *device, DeviceMemory *memory, size_t offset, size_t bytes,
                        bool used)
{
    (void)device;
    if (used)
        ASAN_UNPOISON_MEMORY_REGION((unsigned char *)memory + offset, bytes);
    else
        ASAN_POISON_MEMORY_REGION((unsigned char *)memory + offset, bytes);
}
#else
#define poison NULL
#endif

/* A kind without a line here would be a call through NULL at its first use. */
static const CpuOperation *const operations[OPERATION_COUNT] = {
    [OPERATION_LINEAR] = &cpu_linear,
    [OPERATION_LINEAR_TRANSPOSED] = &cpu_linear_transposed,
    [OPERATION_CONV2D] = &cpu_conv2d,
    [OPERATION_GROUP_NORM_PREPARE] = &cpu_group_norm_prepare,
    [OPERATION_AFFINE] = &cpu_affine,
    [OPERATION_LAYER_NORM] = &cpu_layer_norm,
    [OPERATION_ACTIVATE] = &cpu_activate,
    [OPERATION_GEGLU] = &cpu_geglu,
    [OPERATION_ADD] = &cpu_add,
    [OPERATION_ATTENTION] = &cpu_attention,
    [OPERATION_IMAGE_TO_TOKENS] = &cpu_image_to_tokens,
    [OPERATION_TOKENS_TO_IMAGE] = &cpu_tokens_to_image,
    [OPERATION_COPY] = &cpu_copy,
    [OPERATION_FILL] = &cpu_fill,
    [OPERATION_MAP] = &cpu_map,
    [OPERATION_MULTIPLY_ROWS] = &cpu_multiply_rows,
    [OPERATION_COMBINE] = &cpu_combine,
    [OPERATION_ADD_DIFFERENCE] = &cpu_add_difference,
    [OPERATION_KEEP_KNOWN] = &cpu_keep_known,
    [OPERATION_EMBED_TOKENS] = &cpu_embed_tokens,
    [OPERATION_EMBED_NUMBERS] = &cpu_embed_numbers,
    [OPERATION_MEAN] = &cpu_mean,
    [OPERATION_DEVIATION] = &cpu_deviation,
    [OPERATION_ALL_FINITE] = &cpu_all_finite,
    [OPERATION_UPLOAD] = &cpu_upload,
    [OPERATION_READ] = &cpu_read,
};

static size_t scratch_of(const Device *device, const Operation *operation)
{
    const CpuOperation *which = operations[operation->kind];
    return which->scratch ? which->scratch((const Cpu *)device, operation) : 0;
}

static void run(const Device *device, struct Compute *compute, const Operation *operation,
                DevicePiece scratch)
{
    operations[operation->kind]->run((const Cpu *)device, compute, operation, cpu_piece(scratch));
}

/* Everything is set before blas_open(): where that fails, the device works with its own
 * products. */
bool cpu_init(Cpu *cpu, Threads *threads, const Kernels *kernels, EngineError *error)
{
    *cpu = (Cpu){ .threads = threads, .kernels = kernels ? kernels : kernels_best() };
    snprintf(cpu->name, sizeof cpu->name, "cpu, %s", cpu->kernels->name);
    cpu->device = (Device){ .name = cpu->name,
                            .alignment = ALIGNMENT,
                            .memory_create = memory_create,
                            .memory_destroy = memory_destroy,
                            .memory_used = poison,
                            .scratch = scratch_of,
                            .run = run };
    return blas_open(&cpu->blas, cpu->kernels, threads ? threads_count(threads) : 1, error);
}

static void destroy(Device *device)
{
    free(device);
}

Device *device_create_cpu(Threads *threads, EngineError *error)
{
    Cpu *cpu = malloc(sizeof *cpu);
    if (!cpu) {
        fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for the processor's tables.");
        return NULL;
    }
    if (!cpu_init(cpu, threads, NULL, error)) {
        free(cpu);
        return NULL;
    }
    cpu->device.destroy = destroy;
    return &cpu->device;
}

void device_destroy(Device *device)
{
    if (device)
        device->destroy(device);
}

/* The memory is the data itself, at offset 0; the caller keeps it. */
Tensor cpu_tensor(float *data, int n, int c, int h, int w)
{
    return tensor_at((DeviceMemory *)(void *)data, 0, TYPE_F32, n, c, h, w);
}
