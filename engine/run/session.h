/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine as models use it: threads, device, scratch memory and how fast it is.  It outlives
 * the models that are open on it, which take turns with its one arena. */
#pragma once

#include "../compute/layers.h"
#include "../engine.h"

struct EngineSession {
    Threads       *threads;
    Device        *device; /* that computes, with these threads */
    Arena          arena; /* kept from one run to the next: fresh pages cost a third of a small run */
    atomic_bool    stop;  /* of the run under way */
    double         speed; /* operations a second: probed, then as measured; 0: not known yet */
};

/* For a run that begins: scratch in the arena, nothing counted, nobody has stopped it. */
Compute session_compute(EngineSession *session);

/* At least `bytes` of arena, with nothing in it.  False when this machine does not have them:
 * *available is then what it has. */
bool session_reserve(EngineSession *session, size_t bytes, uint64_t *available);

/* Bytes that a run may take, those of the arena included; 0: not known. */
uint64_t session_available(const EngineSession *session);

/* Operations a second, > 0; probes once, some 20 ms. */
double session_speed(EngineSession *session);
/* What a run made of it, which beats a probe. */
void session_measured(EngineSession *session, double flops, double seconds);
