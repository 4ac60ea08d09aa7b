/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dry run: a device on which a whole request can be rehearsed to learn what it will take.
 *
 * It asks the real device what scratch each operation needs, has memory without end and computes
 * nothing: uploads are not filled, reads not taken, and answers are 0, true for all_finite().  Since
 * layers.h takes the same memory on both, an arena's peak here is exactly what a real run needs. */
#pragma once

#include "device.h"

typedef struct {
    Device        device;
    const Device *real; /* borrowed */
} Dry;

void dry_init(Dry *dry, const Device *real);
