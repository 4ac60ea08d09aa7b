/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dry.h"

/* A Dry begins with its Device, so a pointer to one is a pointer to the other. */
static const Device *real_of(const Device *device)
{
    return ((const Dry *)device)->real;
}

/* No memory at all. Handles are cut and reshaped by their offsets alone, so nothing above
 * notices. */
static bool memory_create(const Device *device, DeviceMemory **memory, size_t bytes)
{
    (void)device, (void)bytes;
    *memory = NULL;
    return true;
}

static void memory_destroy(const Device *device, DeviceMemory *memory, size_t bytes)
{
    (void)device, (void)memory, (void)bytes;
}

static size_t scratch_of(const Device *device, const Operation *operation)
{
    const Device *real = real_of(device);
    return real->scratch(real, operation);
}

/* Answers are those with which a run goes on. */
static void run(const Device *device, struct Compute *compute, const Operation *operation,
                DevicePiece scratch)
{
    (void)device, (void)compute, (void)scratch;
    if (operation->kind == OPERATION_MEAN || operation->kind == OPERATION_DEVIATION)
        *operation->number = 0;
    if (operation->kind == OPERATION_ALL_FINITE)
        *operation->truth = true;
}

/* The alignment is the real one's: with another one the arena would round otherwise, and the peak
 * of a rehearsal would not be that of the run. */
void dry_init(Dry *dry, const Device *real)
{
    *dry = (Dry){ .device = { .name = "dry run",
                              .alignment = real->alignment,
                              .rehearses = true,
                              .memory_create = memory_create,
                              .memory_destroy = memory_destroy,
                              .scratch = scratch_of,
                              .run = run },
                  .real = real };
}
