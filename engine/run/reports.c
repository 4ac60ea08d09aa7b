/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports.h"

#include "machine.h"

#include <math.h>

void reports_begin(Reports *reports, const EngineRequest *request, double work)
{
    *reports = (Reports){ .request = request, .work = work, .started = machine_seconds() };
}

void reports_pass(Reports *reports, int image, int pass, double work)
{
    reports->image = image;
    reports->pass = pass;
    reports->pass_end = reports->done + work;
    reports->step = 0;
    reports->dropped = false;
}

static double fraction_now(const Reports *reports)
{
    double done = reports->done - reports->from_done;
    double all = reports->work - reports->from_done;
    double left = 1 - reports->from_fraction;
    double fraction = reports->from_fraction + (all > 0 ? left * done / all : 0);
    return fmin(1, fmax(reports->fraction, fraction));
}

/* False: cancelled. */
static bool tell_progress(Reports *reports, const EnginePicture *preview)
{
    double elapsed = machine_seconds() - reports->started;
    double rest = fmax(0, reports->work - reports->done);
    bool   known = reports->fraction > 0.02 && elapsed > 0.2 && reports->done > 0;
    EngineProgress now = {
        .stage = reports->stage,
        .step = reports->step,
        .steps = reports->steps,
        .image = reports->image,
        .count = reports->request->count,
        .fraction = reports->fraction,
        .seconds_left = known ? elapsed * rest / reports->done : -1,
        .preview = preview,
    };
    return !reports->request->progress ||
           reports->request->progress(reports->request->user, &now);
}

bool reports_tell(Reports *reports, double done, const EnginePicture *preview)
{
    const EngineRequest *request = reports->request;
    reports->done = done;
    reports->fraction = fraction_now(reports);
    if (!tell_progress(reports, preview))
        return false;
    if (!reports->enough && request->enough && request->enough(request->user)) {
        reports->enough = true;
        reports_left(reports, done, reports->pass_end - done);
    }
    /* A picture's first pass is awaited until it has something to show. */
    reports->dropped = reports->enough && reports->pass > 0 && reports->step == 0;
    return !reports->dropped;
}

void reports_left(Reports *reports, double done, double left)
{
    reports->from_fraction = reports->fraction;
    reports->from_done = done;
    reports->work = done + fmax(0, left);
}

void reports_end(Reports *reports)
{
    reports->fraction = 1;
    reports->work = reports->done;
    reports_tell(reports, reports->done, NULL);
}
