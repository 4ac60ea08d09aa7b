/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guarded.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const Device *real_of(const Device *device)
{
    return &((const Guarded *)device)->cpu.device;
}

/* Devices are const where they are used; what a test counts lies beside. */
static Guarded *guarded_of(const Device *device)
{
    return (Guarded *)(uintptr_t)device;
}

static void lock(const Guarded *guarded, int protection)
{
    for (int i = 0; i < GUARDED_PIECES; i++)
        if (guarded->pieces[i].memory &&
            mprotect(guarded->pieces[i].memory, guarded->pieces[i].bytes, protection) != 0) {
            perror("mprotect");
            exit(1);
        }
}

static bool memory_create(const Device *device, DeviceMemory **memory, size_t bytes)
{
    Guarded *guarded = guarded_of(device);
    int      free_piece = 0;
    while (free_piece < GUARDED_PIECES && guarded->pieces[free_piece].memory)
        free_piece++;
    if (!CHECK(free_piece < GUARDED_PIECES) ||
        !real_of(device)->memory_create(real_of(device), memory, bytes))
        return false;
    guarded->pieces[free_piece].memory = *memory;
    guarded->pieces[free_piece].bytes = bytes;
    lock(guarded, PROT_NONE);
    return true;
}

static void memory_destroy(const Device *device, DeviceMemory *memory, size_t bytes)
{
    Guarded *guarded = guarded_of(device);
    for (int i = 0; i < GUARDED_PIECES; i++)
        if (guarded->pieces[i].memory == memory)
            guarded->pieces[i].memory = NULL;
    real_of(device)->memory_destroy(real_of(device), memory, bytes);
}

static void memory_used(const Device *device, DeviceMemory *memory, size_t offset, size_t bytes,
                        bool used)
{
    if (real_of(device)->memory_used)
        real_of(device)->memory_used(real_of(device), memory, offset, bytes, used);
}

static size_t scratch_of(const Device *device, const Operation *operation)
{
    return real_of(device)->scratch(real_of(device), operation);
}

static void unlocked_run(const Device *device, struct Compute *compute, const Operation *operation,
                         DevicePiece scratch)
{
    lock(guarded_of(device), PROT_READ | PROT_WRITE);
    real_of(device)->run(real_of(device), compute, operation, scratch);
    lock(guarded_of(device), PROT_NONE);
}

typedef struct {
    float *host;
    size_t bytes;
} Staging;

static void from_staging(void *user, float *memory)
{
    memcpy(memory, ((const Staging *)user)->host, ((const Staging *)user)->bytes);
}

static void to_staging(void *user, const float *memory)
{
    memcpy(((Staging *)user)->host, memory, ((Staging *)user)->bytes);
}

/* The caller fills or looks at memory of its own, while the device's is locked. */
static void run(const Device *device, struct Compute *compute, const Operation *operation,
                DevicePiece scratch)
{
    Operation inner = *operation;
    guarded_of(device)->operations++;
    if (operation->kind == OPERATION_UPLOAD) {
        Staging staging = { malloc(tensor_bytes(operation->y)), tensor_bytes(operation->y) };
        operation->upload.fill(operation->upload.user, staging.host);
        inner.upload.fill = from_staging;
        inner.upload.user = &staging;
        unlocked_run(device, compute, &inner, scratch);
        free(staging.host);
    } else if (operation->kind == OPERATION_READ) {
        Staging staging = { malloc(tensor_bytes(operation->x)), tensor_bytes(operation->x) };
        inner.read.take = to_staging;
        inner.read.user = &staging;
        unlocked_run(device, compute, &inner, scratch);
        operation->read.take(operation->read.user, staging.host);
        free(staging.host);
    } else {
        unlocked_run(device, compute, operation, scratch);
    }
}

void guarded_init(Guarded *guarded, Threads *threads)
{
    *guarded = (Guarded){ .device = { .name = "guarded",
                                      .memory_create = memory_create,
                                      .memory_destroy = memory_destroy,
                                      .memory_used = memory_used,
                                      .scratch = scratch_of,
                                      .run = run } };
    cpu_init(&guarded->cpu, threads, NULL, &(EngineError){ 0 });
    guarded->device.alignment = 4 * guarded->cpu.device.alignment; /* a card's may be larger */
}
