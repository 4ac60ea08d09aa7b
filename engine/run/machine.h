/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this machine has to give at the moment. */
#pragma once

#include "../compute/layers.h"

#include <stdint.h>

/* Bytes that this process can still take without being killed: the least of the kernel's estimate
 * (MemAvailable), the cgroup's limit and RLIMIT_AS.  0: not known. */
uint64_t machine_available_bytes(void);

/* Floating point operations a second that the networks reach here, from a matrix product of some
 * ten milliseconds. */
double machine_speed(const Device *device);

double machine_seconds(void); /* monotonic clock */
