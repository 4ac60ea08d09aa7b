/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outpaint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* side ^ 1 is the opposite side, side ^ 2 one of the other axis. */
enum { LEFT, RIGHT, TOP, BOTTOM, SIDES };

/* A strip so long that its pass would show it smaller than this is cut along its length. */
static const double least_scale = .25;

typedef struct {
    EditRect            known;          /* grows with each stage */
    int                 missing[SIDES]; /* pixels still to be added */
    const RegionLimits *limits;
    OutpaintStage      *stages;
    int                 count;
} Outpaint;

/* How far what is known goes away from that side; of side ^ 2: how long the side is. */
static int side_length(EditRect known, int side)
{
    return side < TOP ? known.width : known.height;
}

/* The strip of that depth outside side, as long as what is known. */
static EditRect strip(EditRect known, int side, int depth)
{
    switch (side) {
    case LEFT:
        return (EditRect){ known.x - depth, known.y, depth, known.height };
    case RIGHT:
        return (EditRect){ known.x + known.width, known.y, depth, known.height };
    case TOP:
        return (EditRect){ known.x, known.y - depth, known.width, depth };
    default:
        return (EditRect){ known.x, known.y + known.height, known.width, depth };
    }
}

static int clamp_int(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

void outpaint_widths(OutpaintStage *stage, int known_side)
{
    /* 40 work pixels, at most a tenth of what is known, and 8 known pixels left under its end. */
    int ramp = (int)lround(fmin(40 / stage->scale, .10 * known_side));
    /* One latent, for its pixels are changed together: with less the outermost known ones would be
     * half new.  The ramp is ComfyUI's 40 pixels. */
    int grow = (int)ceil(8 / stage->scale);
    stage->grow = clamp_int(grow, 0, known_side / 4);
    stage->ramp =
        clamp_int(ramp, 0, known_side - stage->grow - 8 > 0 ? known_side - stage->grow - 8 : 0);
    stage->blend = (stage->grow + stage->ramp) * 2 / 3;
}

static bool add(Outpaint *plan, OutpaintStage *stage, int side, EngineError *error)
{
    if (plan->count == OUTPAINT_MAX_STAGES)
        return fail(error, ENGINE_BAD_REQUEST,
                    "The extension needs more than %d passes: extend by less, in several goes.",
                    OUTPAINT_MAX_STAGES);
    RegionScale scale = region_scale(stage->context.width, stage->context.height, plan->limits);
    stage->scale = scale.scale;
    stage->two_passes = scale.two_passes;
    outpaint_widths(stage, side_length(plan->known, side));
    EditRect both = rect_union(stage->target[0], stage->target[1]);
    int      reach = stage->grow + stage->ramp + 1;
    stage->reach =
        rect_intersect(rect_pad(both, reach, reach, reach, reach), rect_union(plan->known, both));
    plan->stages[plan->count++] = *stage;
    return true;
}

/* One strip, or pieces of it along its length. */
static bool add_strip(Outpaint *plan, int side, int depth, double scale, EngineError *error)
{
    EditRect all = strip(plan->known, side, depth), known = plan->known;
    int      native = (int)lround(plan->limits->native / scale), across = side < TOP;
    /* As much of what is known as fills the model's native size, and no less than the strip is
     * deep: a model that sees less than half continues what it has made up. */
    int      seen =
        clamp_int(native - depth > depth ? native - depth : depth, 1, side_length(known, side));
    EditRect beside = rect_pad(all, side == RIGHT ? seen : 0, side == BOTTOM ? seen : 0,
                               side == LEFT ? seen : 0, side == TOP ? seen : 0);
    int      length = across ? all.height : all.width;
    int      pieces = (int)ceil(length * least_scale / plan->limits->max_side);
    for (int i = 0; i < pieces; i++) {
        int           from = (int)((long long)length * i / pieces);
        int           to = (int)((long long)length * (i + 1) / pieces);
        /* A piece sees a quarter of that on both sides: the piece before it, and where the next one
         * goes. */
        int           more = pieces > 1 ? native / 4 : 0;
        EditRect      cut = across ? (EditRect){ beside.x, all.y + from, beside.width, to - from }
                                   : (EditRect){ all.x + from, beside.y, to - from, beside.height };
        OutpaintStage stage = { .target = { rect_intersect(all, cut) } };
        cut = across ? rect_pad(cut, 0, more, 0, more) : rect_pad(cut, more, 0, more, 0);
        stage.context = rect_intersect(cut, beside);
        if (!add(plan, &stage, side, error))
            return false;
    }
    plan->known = rect_union(known, all);
    plan->missing[side] -= depth;
    return true;
}

/* Two opposite sides in one stage, if they are small beside what is known and all of it fits. */
static bool fits_with_opposite(const Outpaint *plan, int side)
{
    int      length = side_length(plan->known, side), *missing = (int *)plan->missing;
    EditRect all = rect_union(strip(plan->known, side, missing[side]),
                              strip(plan->known, side ^ 1, missing[side ^ 1]));
    return missing[side ^ 1] > 0 && missing[side] * 8LL <= length &&
           missing[side ^ 1] * 8LL <= length &&
           (double)all.width * all.height <= plan->limits->max_pixels;
}

static bool add_both(Outpaint *plan, int side, EngineError *error)
{
    OutpaintStage stage = { .target = { strip(plan->known, side, plan->missing[side]),
                                        strip(plan->known, side ^ 1, plan->missing[side ^ 1]) } };
    stage.context = rect_union(plan->known, rect_union(stage.target[0], stage.target[1]));
    if (!add(plan, &stage, side, error))
        return false;
    plan->known = stage.context;
    plan->missing[side] = plan->missing[side ^ 1] = 0;
    return true;
}

/* At which a strip of that length is as long as a side of a pass may be. */
static double strip_scale(int length, const RegionLimits *limits)
{
    return fmin(1, fmax(least_scale, (double)limits->max_side / length));
}

int outpaint_depth(int length, const RegionLimits *limits)
{
    return (int)floor(limits->native / 2 / strip_scale(length, limits));
}

bool outpaint_plan(OutpaintStage *stages, int *count, EditRect known, const int missing[4],
                   const RegionLimits *limits, EngineError *error)
{
    Outpaint plan = { .known = known, .limits = limits, .stages = stages };
    memcpy(plan.missing, missing, sizeof plan.missing);
    for (;;) {
        int side = LEFT;
        for (int i = RIGHT; i < SIDES; i++)
            if (plan.missing[i] > plan.missing[side])
                side = i;
        if (plan.missing[side] == 0)
            break;
        if (fits_with_opposite(&plan, side)) {
            if (!add_both(&plan, side, error))
                return false;
            continue;
        }
        int    length = side_length(plan.known, side ^ 2);
        double scale = strip_scale(length, limits);
        int    deepest = outpaint_depth(length, limits), more = plan.missing[side];
        if (deepest > side_length(plan.known, side))
            deepest = side_length(plan.known, side);
        /* Strips of one depth: a last one of a few pixels would cost a pass like any other. */
        int strips = (more + deepest - 1) / deepest;
        if (!add_strip(&plan, side, (more + strips - 1) / strips, scale, error))
            return false;
    }
    *count = plan.count;
    return true;
}
