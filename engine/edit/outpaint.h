/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a canvas extension is cut into stages, each a strip that the model can continue.
 *
 * The largest missing side first; a strip is as long as what is known then, so corners come last.
 * It is at most half the native size deep (in work pixels) and never deeper than what is known, and
 * the model sees as much of that as brings it to its native size: at least half of what it sees is
 * known.  Two opposite sides go together when each is at most an eighth of that side and all of it
 * fits the model.  Very long strips are cut along their length.  Each stage sees the results of
 * those before it. */
#pragma once

#include "../edit.h"
#include "region.h"

enum { OUTPAINT_MAX_STAGES = 64 };

typedef struct {
    EditRect
        target[2];    /* new canvas coordinates; the second is empty unless two sides go together */
    EditRect context; /* what is to be seen, at least: contains the targets */
    EditRect reach;   /* targets and the ramp into what is known */
    double   scale;   /* that the model's size asks for */
    bool     two_passes;
    int      grow, ramp, blend; /* canvas pixels: see mask_make_ramp() */
} OutpaintStage;

/* stages [OUTPAINT_MAX_STAGES]; *count of them.  known, in the new canvas, is what is there, and
 * missing [left, right, top, bottom] what is to come beside it.  Fails when that is not enough. */
bool outpaint_plan(OutpaintStage *stages, int *count, EditRect known, const int missing[4],
                   const RegionLimits *limits, EngineError *error);

/* How deep the strip beside a side of that length can be: half of what the model sees. */
int outpaint_depth(int length, const RegionLimits *limits);

/* Widths of the masks around an unknown area next to a known side of that length. */
void outpaint_widths(OutpaintStage *stage, int known_side);
