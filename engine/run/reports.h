/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the caller is told while a request runs, and asked: one bar over all its pictures and their
 * passes, cancel, and whether there is enough.
 *
 * How long the bar is says work: any unit that grows evenly in time, floating point operations on
 * this machine. */
#pragma once

#include "../engine.h"

typedef struct {
    const EngineRequest *request; /* whose callbacks are called; borrowed */
    /* Kept up by who makes the pass. */
    EngineStage stage;
    int         step, steps;

    int    image, pass;
    double started;          /* seconds */
    double work, done;       /* all there is to do, and what of it is done */
    double pass_end;         /* `done` when the pass under way is */
    double fraction;         /* as last told */
    double from_fraction, from_done; /* where less was left to do than before; or 0, 0 */
    bool   enough;           /* request->enough() has said so: no further picture, no further pass */
    bool   dropped;          /* the pass ends for it with nothing to keep: no step of it is done */
} Reports;

void reports_begin(Reports *reports, const EngineRequest *request, double work);

/* A pass begins that needs so much work; pass 0 begins a picture. */
void reports_pass(Reports *reports, int image, int pass, double work);

/* So much is done of all.  False when the pass is to end: cancelled, or dropped. preview: or NULL. */
bool reports_tell(Reports *reports, double done, const EnginePicture *preview);

/* Only so much is left to do, which takes all that is left of the bar. */
void reports_left(Reports *reports, double done, double left);

/* The bar's end. */
void reports_end(Reports *reports);
