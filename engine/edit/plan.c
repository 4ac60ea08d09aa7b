/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* MAX_CANVAS is GIMP's largest image side; sums and products of a few of them fit 64 bits. */
enum {
    MAX_CANVAS = 524288,
    MIN_SIDE = 64,
    DEFAULT_MEGAPIXELS = 6,
    MAX_REGION = 1 << 27, /* pixels read at once: with masks and result about 6 GB */
};

/* Krita AI Diffusion's: a second pass at .4 adds detail and moves nothing.  Below .7 a person
 * refines what is there, and a first pass at a smaller size would lose it. */
static const float second_strength = .4F, refine_in_two_from = .7F;

/* ---- what is refused ----------------------------------------------------------------------- */

static bool check_model(const EditSettings *settings, const EngineModelInfo *model,
                        EngineError *error)
{
    bool instruct = settings->mode == EDIT_INSTRUCT;
    if (instruct && !model->takes_instruction)
        return fail(error, ENGINE_BAD_REQUEST,
                    "This model does not follow instructions (%s): Instruct needs an 8-channel "
                    "InstructPix2Pix checkpoint.",
                    model->summary);
    if (!instruct && model->takes_instruction)
        return fail(error, ENGINE_BAD_REQUEST,
                    "This model only follows instructions (%s): choose Instruct, or a base or "
                    "inpainting checkpoint.",
                    model->summary);
    return true;
}

static uint64_t max_pixels(const EditSettings *settings)
{
    return settings->max_pixels ? settings->max_pixels : (uint64_t)DEFAULT_MEGAPIXELS << 20;
}

static bool check_size(const EditSettings *settings, EngineError *error)
{
    if (settings->mode == EDIT_TEXT_TO_IMAGE) {
        double pixels = (double)settings->width * settings->height;
        if (settings->width < MIN_SIDE || settings->height < MIN_SIDE)
            return fail(error, ENGINE_BAD_REQUEST,
                        "A picture of %d x %d pixels is too small: both sides must be %d or more.",
                        settings->width, settings->height, MIN_SIDE);
        /* Five percent over, as in region_fit(), where sides are rounded up to their multiples. */
        if (pixels > 1.05 * (double)max_pixels(settings))
            return fail(error, ENGINE_BAD_REQUEST,
                        "A picture of %d x %d is %.1f megapixels, more than the %.1f of one pass: "
                        "choose a smaller size.",
                        settings->width, settings->height, pixels / 1e6,
                        (double)max_pixels(settings) / 1e6);
        return true;
    }
    if (settings->canvas_width < 1 || settings->canvas_height < 1)
        return fail(error, ENGINE_BAD_REQUEST, "The picture has no pixels: %d x %d.",
                    settings->canvas_width, settings->canvas_height);
    if (settings->left < 0 || settings->right < 0 || settings->top < 0 || settings->bottom < 0)
        return fail(error, ENGINE_BAD_REQUEST,
                    "The picture cannot be extended by less than 0 pixels (left %d, right %d, top "
                    "%d, bottom %d).",
                    settings->left, settings->right, settings->top, settings->bottom);
    if (abs(settings->known.x) > MAX_CANVAS || abs(settings->known.y) > MAX_CANVAS ||
        abs(settings->known.width) > MAX_CANVAS || abs(settings->known.height) > MAX_CANVAS)
        return fail(error, ENGINE_BAD_REQUEST, "What is known of the picture lies outside of it.");
    bool    outpaint = settings->mode == EDIT_OUTPAINT;
    int64_t width = (int64_t)settings->canvas_width +
                    (outpaint ? (int64_t)settings->left + settings->right : 0);
    int64_t height = (int64_t)settings->canvas_height +
                     (outpaint ? (int64_t)settings->top + settings->bottom : 0);
    if (width > MAX_CANVAS || height > MAX_CANVAS)
        return fail(
            error, ENGINE_BAD_REQUEST,
            "A canvas of %lld x %lld pixels is larger than the largest, %d: extend by less.",
            (long long)width, (long long)height, MAX_CANVAS);
    if (settings->max_pixels && settings->max_pixels < (uint64_t)MIN_SIDE * MIN_SIDE)
        return fail(error, ENGINE_BAD_REQUEST,
                    "A pass of at most %llu pixels is too small: allow at least %d.",
                    (unsigned long long)settings->max_pixels, MIN_SIDE * MIN_SIDE);
    return true;
}

static bool check_selection(const EditSettings *settings, EngineError *error)
{
    bool background = settings->intent == EDIT_BACKGROUND && settings->mode == EDIT_INPAINT;
    if (!settings->has_selection) {
        if (background)
            return fail(
                error, ENGINE_BAD_REQUEST,
                "Nothing is selected: select what stays before the background is replaced.");
        if (settings->mode == EDIT_INPAINT)
            return fail(error, ENGINE_BAD_REQUEST,
                        "The selection is empty: nothing to repaint. Select what is to change, or "
                        "use image to image for the whole picture.");
        return true;
    }
    EditRect canvas = { 0, 0, settings->canvas_width, settings->canvas_height };
    if (settings->selection.width <= 0 || settings->selection.height <= 0)
        return fail(error, ENGINE_BAD_REQUEST, "The selection is empty: nothing to repaint.");
    if (settings->selection.x > MAX_CANVAS || settings->selection.y > MAX_CANVAS ||
        settings->selection.x < -MAX_CANVAS || settings->selection.y < -MAX_CANVAS ||
        settings->selection.width > 2 * MAX_CANVAS || settings->selection.height > 2 * MAX_CANVAS ||
        rect_intersect(canvas, settings->selection).width == 0)
        return fail(error, ENGINE_BAD_REQUEST,
                    "The selection lies outside the canvas of %d x %d pixels: nothing to repaint.",
                    canvas.width, canvas.height);
    return true;
}

static bool check(const EditSettings *settings, const EngineModelInfo *model, EngineError *error)
{
    /* Written so that NaN is refused too. */
    if (!(settings->strength >= 0 && settings->strength <= 1))
        return fail(error, ENGINE_BAD_REQUEST, "The strength must lie between 0 and 1.");
    if (settings->context == EDIT_CONTEXT_PIXELS &&
        (settings->context_pixels < 0 || settings->context_pixels > MAX_CANVAS))
        return fail(error, ENGINE_BAD_REQUEST,
                    "The context must be between 0 and %d pixels, not %d.", MAX_CANVAS,
                    settings->context_pixels);
    if (settings->feather > EDIT_MAX_WIDTH || settings->grow > EDIT_MAX_WIDTH ||
        settings->edge_width > EDIT_MAX_WIDTH)
        return fail(error, ENGINE_BAD_REQUEST,
                    "Feather, grow and edge width must be at most %d pixels.", EDIT_MAX_WIDTH);
    if (settings->mode == EDIT_SEAMS && !settings->tile_x && !settings->tile_y)
        return fail(error, ENGINE_BAD_REQUEST,
                    "Seams are repaired along an axis that is to be tiled: choose one or both.");
    bool selects = settings->mode == EDIT_INPAINT || settings->mode == EDIT_IMAGE_TO_IMAGE ||
                   settings->mode == EDIT_INSTRUCT || settings->mode == EDIT_OUTPAINT;
    return check_model(settings, model, error) && check_size(settings, error) &&
           (!selects || check_selection(settings, error));
}

/* ---- passes -------------------------------------------------------------------------------- */

static RegionRule rule_of(const Plan *plan, const EditSettings *settings,
                          const EngineModelInfo *model)
{
    /* Latents are 8 times smaller, and SD 1.x's and 2.x's U-Nets halve them three times: 64.
     * SDXL's does it twice: 32.  A picture from text has the size that was asked for, if 8 divides
     * it. */
    bool text = settings->mode == EDIT_TEXT_TO_IMAGE;
    return (RegionRule){
        .canvas_width = plan->summary.canvas.width,
        .canvas_height = plan->summary.canvas.height,
        .max_pixels = (double)max_pixels(settings),
        .multiple = text                                 ? 8
                    : strcmp(model->family, "SDXL") == 0 ? 32
                                                         : 64,
        .tile_x = plan->tile_x,
        .tile_y = plan->tile_y,
    };
}

static bool add_pass(Plan *plan, EditRect wanted, double scale, PlanPass pass,
                     const RegionRule *rule, EngineError *error)
{
    if (!region_fit(&pass.fit, wanted, scale, rule, error))
        return false;
    plan->summary.region =
        rect_union(plan->summary.region, rect_intersect(pass.fit.rect, plan->summary.canvas));
    plan->summary.cost_pixels += (double)pass.fit.work_width * pass.fit.work_height;
    plan->passes[plan->pass_count++] = pass;
    return true;
}

/* One pass over `wanted`, and where that is seen at a smaller scale another over `bounds`. */
static bool add_passes(Plan *plan, int stage, EditRect wanted, EditRect bounds, bool may_refine,
                       const EditSettings *settings, const EngineModelInfo *model,
                       EngineError *error)
{
    RegionRule  rule = rule_of(plan, settings, model);
    RegionScale scale = region_scale(wanted.width, wanted.height, &plan->limits);
    bool        refined = settings->intent == EDIT_REFINE && settings->mode != EDIT_OUTPAINT;
    bool two = scale.two_passes && may_refine && !(refined && plan->strength < refine_in_two_from);
    PlanPass first = { .stage = stage, .strength = plan->strength };
    PlanPass second = { .stage = stage,
                        .second = true,
                        .strength = fminf(second_strength, plan->strength) };
    /* A large area that is refined weakly is seen at its own size; where a second pass is out of
     * the question (instructions) it must do with a smaller one. */
    double   first_scale = scale.two_passes && !two && may_refine ? 1 : scale.scale;
    if (!add_pass(plan, wanted, first_scale, first, &rule, error))
        return false;
    /* Tiled sides may have no smaller size. */
    two &= plan->passes[plan->pass_count - 1].fit.scale < 1;
    return !two || add_pass(plan, bounds, 1, second, &rule, error);
}

static void set_widths(Plan *plan, const EditSettings *settings)
{
    double      diagonal = hypot(plan->selection.width, plan->selection.height);
    MaskWidths *widths = &plan->widths;
    *widths = mask_widths(diagonal, (double)plan->strength, MASK_FEATHER_CAP);
    /* The selection is what stays: a wide edge would eat into it, as a halo of the new
     * background. */
    if (plan->invert && widths->feather > diagonal / 100) {
        widths->feather = (int)(diagonal / 100);
        widths->edge = widths->feather + 4 < widths->edge ? widths->feather + 4 : widths->edge;
    }
    widths->feather = settings->feather >= 0 ? settings->feather : widths->feather;
    widths->grow = settings->grow >= 0 ? settings->grow : widths->grow;
    widths->edge = settings->edge_width >= 0 ? settings->edge_width : widths->edge;
}

/* ---- tiles --------------------------------------------------------------------------------- */

static float ramp(int pixel, int width)
{
    return width > 0 ? fminf(1, fmaxf(0, ((float)pixel + .5F) / (float)width)) : 1;
}

/* Under the row above it also fades out to the right, for there that row goes on alone until the next
 * tile comes. */
float plan_tile_share(const PlanPass *pass, int x, int y)
{
    EditRect rect = pass->fit.rect;
    float    across = ramp(x - rect.x, pass->left), down = ramp(y - rect.y, pass->top);
    float    beyond = pass->right ? 1 - ramp(rect.x + rect.width - 1 - x, pass->right) : 0;
    if (down < 1 && beyond > 0)
        down *= (1 - beyond) / (1 - down * beyond);
    return across * down;
}

typedef struct {
    int side, step_count; /* of one tile, and how many there are along this axis */
    int length;           /* of the canvas */
} TileAxis;

/* The fewest tiles that cover the side and overlap by `overlap` at least; tile_start() spreads them
 * evenly, so that the last one is not a sliver. */
static TileAxis tile_axis(int length, int side, int overlap)
{
    TileAxis axis = { side < length ? side : length, 1, length };
    if (length > side)
        axis.step_count = (length - overlap + side - overlap - 1) / (side - overlap);
    return axis;
}

/* The first tile begins at 0, the last one ends with the canvas. */
static int tile_start(const TileAxis *axis, int i)
{
    return axis->step_count == 1
               ? 0
               : (int)((int64_t)i * (axis->length - axis->side) / (axis->step_count - 1));
}

/* The picture at its own size, in tiles of what the model sees that overlap by a quarter of it, row by
 * row; each begins from what those before it have made.  False: too many. */
static bool add_tiles(Plan *plan, float strength, const EditSettings *settings,
                      const EngineModelInfo *model, EngineError *error)
{
    RegionRule rule = rule_of(plan, settings, model);
    double     most = fmin(plan->limits.max_pixels, rule.max_pixels);
    /* Square, as large as the model likes.  A quarter of overlap leaves its ramp room for things to
     * grow together. */
    int        side = (int)sqrt(most) / 64 * 64, overlap = side / 4;
    EditRect   canvas = plan->summary.canvas;
    if (side < 128)
        return false;
    TileAxis across = tile_axis(canvas.width, side, overlap);
    TileAxis down = tile_axis(canvas.height, side, overlap);
    if (across.step_count * down.step_count + 1 > PLAN_MAX_PASSES)
        return false;
    for (int i = 0; i < across.step_count * down.step_count; i++) {
        int      column = i % across.step_count, row = i / across.step_count;
        int      x = tile_start(&across, column), y = tile_start(&down, row);
        EditRect rect = { x, y, across.side, down.side };
        PlanPass pass = { .stage = i, .strength = strength, .tile = true };
        if (column > 0)
            pass.left = tile_start(&across, column - 1) + across.side - x;
        if (column + 1 < across.step_count)
            pass.right = x + across.side - tile_start(&across, column + 1);
        if (row > 0)
            pass.top = tile_start(&down, row - 1) + down.side - y;
        if (!add_pass(plan, rect, 1, pass, &rule, error))
            return false;
    }
    return true;
}

/* In place of passes that would show the picture smaller than it is. */
static bool tile_instead(Plan *plan, const EditSettings *settings, const EngineModelInfo *model,
                         EngineError *error)
{
    const PlanPass *last = &plan->passes[plan->pass_count - 1];
    if (!plan->whole || settings->mode != EDIT_IMAGE_TO_IMAGE || plan->tile_x || plan->tile_y ||
        last->fit.scale >= .9)
        return true;
    Plan *kept = malloc(sizeof *kept);
    if (!kept)
        return fail(error, ENGINE_OUT_OF_MEMORY, "There is not enough memory for a plan.");
    *kept = *plan;
    float strength = plan->strength;
    plan->pass_count = 0;
    plan->summary.cost_pixels = 0;
    if (strength >= refine_in_two_from) { /* all of it first, as small as the model likes it */
        plan->passes[plan->pass_count++] = kept->passes[0];
        plan->summary.cost_pixels =
            (double)kept->passes[0].fit.work_width * kept->passes[0].fit.work_height;
        strength = fminf(second_strength, strength);
    }
    if (!add_tiles(plan, strength, settings, model, error))
        *plan = *kept;
    else
        snprintf(plan->summary.warning, sizeof plan->summary.warning,
                 "The picture is larger than the model sees: it is repainted in %d tiles.",
                 plan->pass_count - (strength < plan->strength));
    free(kept);
    return true;
}

static bool plan_selection(Plan *plan, const EditSettings *settings, const EngineModelInfo *model,
                           EngineError *error)
{
    /* support: what denoise can touch.  bounds: what a second pass sees, the selection with little
     * around it.  wanted: what the first one sees, with context. */
    EditRect canvas = plan->summary.canvas, bounds = canvas, wanted = canvas;
    EditRect selection = plan->selection;
    bool     spills = settings->edge == EDIT_BLEND || settings->edge == EDIT_KEEP_INSIDE;
    set_widths(plan, settings);
    int      reach = spills ? mask_denoise_reach(&plan->widths) : 0;
    EditRect support = rect_intersect(rect_pad(selection, reach, reach, reach, reach), canvas);
    reach = mask_compose_reach(&plan->widths, settings->edge);
    plan->summary.result = rect_intersect(rect_pad(selection, reach, reach, reach, reach), canvas);
    if (plan->whole) {
        plan->summary.result = canvas;
    } else {
        bounds = region_mask_bounds(selection, &plan->widths, canvas.width, canvas.height,
                                    &plan->limits);
        int n = settings->context_pixels;
        switch (settings->context) {
        case EDIT_CONTEXT_AUTO:
            wanted = region_context(bounds, (double)plan->strength, canvas.width, canvas.height,
                                    &plan->limits);
            break;
        case EDIT_CONTEXT_SELECTION:
            wanted = bounds;
            break;
        case EDIT_CONTEXT_PIXELS:
            wanted = rect_union(support, rect_intersect(rect_pad(selection, n, n, n, n), canvas));
            bounds = rect_intersect(bounds, wanted);
            break;
        case EDIT_CONTEXT_WHOLE:
            break;
        }
        /* A line across a huge canvas would ask for half of it. */
        if (settings->context == EDIT_CONTEXT_AUTO &&
            (double)wanted.width * wanted.height > MAX_REGION)
            wanted = bounds;
    }
    if (!add_passes(plan, 0, wanted, bounds, settings->mode != EDIT_INSTRUCT, settings, model,
                    error))
        return false;
    if (!tile_instead(plan, settings, model, error))
        return false;
    if (!plan->whole && !plan->invert && settings->mode == EDIT_INPAINT && plan->strength >= 1 &&
        region_has_little_context(plan->summary.region, selection, &plan->limits)) {
        plan->summary.little_context = true;
        snprintf(plan->summary.warning, sizeof plan->summary.warning,
                 "Little of the picture is left around the selection: the result may not fit it.");
    }
    return true;
}

enum { LEFT, RIGHT, TOP, BOTTOM, SIDES };

static void warn_of_border(Plan *plan, const int clear[SIDES])
{
    static const char *const names[SIDES] = { "left", "right", "top", "bottom" };
    char                     sides[96] = "";
    for (int side = 0; side < SIDES; side++)
        if (clear[side] > 0)
            snprintf(sides + strlen(sides), sizeof sides - strlen(sides), "%s%s %d",
                     sides[0] ? ", " : "", names[side], clear[side]);
    if (sides[0])
        snprintf(plan->summary.warning, sizeof plan->summary.warning,
                 "The clear border of the picture is filled as well: %s pixels.", sides);
}

/* What is missing on each side of plan->known: pixels to add, and the clear border that goes with
 * them.  Tells whether there is any. */
static bool find_missing(Plan *plan, int missing[SIDES], const EditSettings *settings)
{
    EditRect  canvas = { 0, 0, settings->canvas_width, settings->canvas_height };
    EditRect  known = rect_intersect(settings->known, canvas);
    const int more[SIDES] = { settings->left, settings->right, settings->top, settings->bottom };
    bool      grows = false, any = false;
    if (known.width <= 0)
        known = canvas;
    int clear[SIDES] = { known.x, canvas.width - known.x - known.width, known.y,
                         canvas.height - known.y - known.height };
    for (int side = 0; side < SIDES; side++)
        grows |= more[side] > 0;
    for (int side = 0; side < SIDES; side++) {
        /* A clear border deeper than one strip beside a side that does not grow stays clear: nobody
         * asked for it, and it would cost passes of its own. */
        int length = side < TOP ? known.height : known.width;
        if (grows && more[side] == 0 && clear[side] > outpaint_depth(length, &plan->limits))
            clear[side] = 0; /* stays as it is */
        missing[side] = more[side] + clear[side];
        any |= missing[side] > 0;
    }
    plan->known = rect_pad(plan->summary.canvas, -missing[LEFT], -missing[TOP], -missing[RIGHT],
                           -missing[BOTTOM]);
    if (grows)
        warn_of_border(plan, clear);
    return any;
}

static bool plan_outpaint(Plan *plan, const EditSettings *settings, const EngineModelInfo *model,
                          EngineError *error)
{
    int missing[SIDES];
    if (find_missing(plan, missing, settings)) {
        if (!outpaint_plan(plan->stages, &plan->stage_count, plan->known, missing, &plan->limits,
                           error))
            return false;
    } else {
        /* Empty places of the canvas itself: edit_prepare() finds them. */
        RegionScale scale =
            region_scale(plan->selection.width, plan->selection.height, &plan->limits);
        OutpaintStage *stage = &plan->stages[plan->stage_count++];
        EditRect       context = region_context(plan->selection, 1, plan->summary.canvas.width,
                                                plan->summary.canvas.height, &plan->limits);
        *stage = (OutpaintStage){ .target = { plan->selection },
                                  .context = context,
                                  .reach = context,
                                  .scale = scale.scale };
        int side = context.width < context.height ? context.width : context.height;
        outpaint_widths(stage, side);
    }
    for (int i = 0; i < plan->stage_count; i++) {
        const OutpaintStage *stage = &plan->stages[i];
        EditRect             canvas = plan->summary.canvas;
        /* The second pass sees the strip and its ramp, one latent more, and an eighth of the native
         * size of the picture beside it. */
        int                  more = (int)lround(8 / stage->scale) + plan->limits.native / 8;
        EditRect bounds = rect_intersect(rect_pad(stage->reach, more, more, more, more), canvas);
        if (!add_passes(plan, i, stage->context, bounds, true, settings, model, error))
            return false;
        plan->summary.result = rect_union(plan->summary.result, stage->reach);
    }
    return true;
}

static bool plan_seams(Plan *plan, const EditSettings *settings, const EngineModelInfo *model,
                       EngineError *error)
{
    EditRect canvas = plan->summary.canvas;
    /* Turned by half, the seams are a cross in the middle; a band around each is repainted, an
     * eighth of the side, and of what the model sees at least: less room cannot bring two edges
     * together. */
    int      least = plan->limits.native / 8;
    plan->summary.result = canvas;
    for (int axis = 0; axis < 2; axis++) {
        int side = axis ? canvas.height : canvas.width;
        int band = side / 8 > least ? side / 8 : least < side / 2 ? least : side / 2;
        if (!(axis ? settings->tile_y : settings->tile_x))
            continue;
        *(axis ? &plan->roll_y : &plan->roll_x) = side / 2;
        *(axis ? &plan->band_y : &plan->band_x) = band > 0 ? band : 1;
    }
    int band = plan->band_x > plan->band_y ? plan->band_x : plan->band_y;
    plan->widths = mask_widths(hypot(band, band), (double)plan->strength, MASK_FEATHER_CAP);
    return add_passes(plan, 0, canvas, canvas, true, settings, model, error);
}

static bool check_region(const Plan *plan, EngineError *error)
{
    EditRect region = plan->summary.region;
    if ((double)region.width * region.height <= MAX_REGION)
        return true;
    return fail(error, ENGINE_BAD_REQUEST,
                "%d x %d pixels would have to be read, more than the %d megapixels of one edit: "
                "select a smaller part.",
                region.width, region.height, MAX_REGION / 1000000);
}

static void warn_of_scale(Plan *plan)
{
    const PlanPass *last = &plan->passes[plan->pass_count - 1];
    if (plan->summary.warning[0] == '\0' && last->fit.scale < .9)
        snprintf(plan->summary.warning, sizeof plan->summary.warning,
                 "The area is large: it is repainted at %.0f %% of its size and enlarged.",
                 100 * last->fit.scale);
}

bool plan_make(Plan *plan, const EditSettings *settings, const EngineModelInfo *model,
               EngineError *error)
{
    /* Not the passes: there is room for 4096, nothing behind pass_count is read, and a plan is made
     * for each pair of islands. */
    memset(plan, 0, offsetof(Plan, passes));
    plan->limits = region_limits(model);
    if (!check(settings, model, error))
        return false;
    EditRect *canvas = &plan->summary.canvas;
    bool      text = settings->mode == EDIT_TEXT_TO_IMAGE, out = settings->mode == EDIT_OUTPAINT;
    *canvas = text ? (EditRect){ 0, 0, settings->width, settings->height }
                   : (EditRect){ 0, 0, settings->canvas_width, settings->canvas_height };
    if (out) {
        plan->summary.shift_x = settings->left;
        plan->summary.shift_y = settings->top;
        canvas->width += settings->left + settings->right;
        canvas->height += settings->top + settings->bottom;
    }
    bool selected = settings->has_selection && !text && settings->mode != EDIT_SEAMS;
    plan->invert =
        selected && settings->mode == EDIT_INPAINT && settings->intent == EDIT_BACKGROUND;
    plan->whole = !selected && !out && settings->mode != EDIT_SEAMS;
    plan->selection =
        selected && !plan->invert ? rect_intersect(settings->selection, *canvas) : *canvas;
    plan->tile_x = settings->tile_x && (plan->whole || settings->mode == EDIT_SEAMS);
    plan->tile_y = settings->tile_y && (plan->whole || settings->mode == EDIT_SEAMS);
    /* From text nothing is there to keep; an instruction's picture goes in beside the latents,
     * which begin as noise. */
    plan->strength = text || settings->mode == EDIT_INSTRUCT ? 1 : settings->strength;
    bool ok = out                            ? plan_outpaint(plan, settings, model, error)
              : settings->mode == EDIT_SEAMS ? plan_seams(plan, settings, model, error)
                                             : plan_selection(plan, settings, model, error);
    if (!ok || !check_region(plan, error))
        return false;
    warn_of_scale(plan);
    if (plan->strength == 0) { /* the picture as it is: no model is asked */
        plan->pass_count = 0;
        plan->summary.cost_pixels = 0;
    }
    plan->summary.passes = plan->pass_count;
    plan->summary.work_width = plan->passes[0].fit.work_width;
    plan->summary.work_height = plan->passes[0].fit.work_height;
    return true;
}
