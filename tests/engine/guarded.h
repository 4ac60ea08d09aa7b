/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A device whose memory the host cannot reach: the processor's, locked but within an operation.
 * Numbers come in and go out by a copy, as on a card.  Who peeks dies of it. */
#pragma once

#include "compute/cpu/cpu.h"

enum { GUARDED_PIECES = 8 };

typedef struct {
    Device device;
    Cpu    cpu;
    struct {
        DeviceMemory *memory; /* NULL: free */
        size_t        bytes;
    } pieces[GUARDED_PIECES];
    long operations; /* carried out so far */
} Guarded;

void guarded_init(Guarded *guarded, Threads *threads);
