/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Editing: which pixels the model sees, what it may change, and how the result meets the rest.
 *
 *   edit_plan()      pure geometry: what will be read, at which size, in how many passes, its cost
 *   edit_prepare()   pixels of the region in; masks and prefill made
 *   edit_generate()  runs all passes through an Engine: pictures that fit the region
 *   edit_finish()    colour match and composition: a crop and a mask at an integer offset
 *
 * All coordinates are canvas pixels.  After an outpaint the canvas has grown: `region`, `result`
 * and all later rectangles are in the new canvas, whose origin is the old one shifted by left, top.
 * Formulas and their numbers: docs in edit/mask.h, region.h, prefill.h, match.h, outpaint.h. */
#pragma once

#include "engine.h"

typedef struct {
    int x, y, width, height;
} EditRect;

enum { EDIT_MAX_ISLANDS = 32, EDIT_MAX_WIDTH = 1000 /* pixels of feather, grow and edge */ };

typedef struct {
    EditMode   mode;
    int        canvas_width, canvas_height; /* before extension */
    bool       has_selection;
    EditRect   islands[EDIT_MAX_ISLANDS]; /* bounds of the selection's parts; of an outpaint with no
                                             pixels to add: of the clear places inside known */
    int        island_count;              /* 0: the selection is one */
    EditRect   selection; /* bounds of mask > 0, may lie partly off the canvas; ignored otherwise */
    int        left, right, top, bottom; /* outpaint: pixels to add */
    EditRect   known; /* outpaint: bounds of what is there on the canvas; width 0: all of it.  The
                         clear border around it is filled: with no pixels to add all of it, else
                         beside the sides that grow, and where one strip will do */
    EditIntent intent;
    EditEdge   edge;
    int        feather; /* how softly the change begins around the selection, how much larger that
                           is made first, and how wide its edge fades: canvas pixels; -1: chosen from
                           its size (edit/mask.h).  Not for EDIT_AS_DRAWN */
    int        grow, edge_width;
    EditContext context;
    int         context_pixels; /* EDIT_CONTEXT_PIXELS: added around the selection on each side */
    float       strength;       /* 0 … 1 */
    uint64_t    max_pixels;     /* of one pass; 0: 6 megapixels */
    bool        colour_match;   /* default true */
    bool        keep_transparency; /* multiply the result's alpha by the original's */
    bool        tile_x, tile_y;
    int         width, height; /* text-to-image: size wanted; else 0 */
} EditSettings;

EditSettings edit_settings_default(EditMode mode);

/* Sets known and islands to what is clear of a picture [height, width, 4]: an outpaint with no pixels
 * to add then fills all of that, border and holes.  False: no memory. */
bool edit_settings_clear(EditSettings *settings, const float *rgba, int width, int height);

/* Finds the islands of a selection from parts of it, in any order and rows at a time: rect in canvas
 * pixels, selection [rect.height, rect.width].  rects [EDIT_MAX_ISLANDS]: from top to bottom; parts
 * less than 16 pixels apart are one, and so are neighbours where there would be too many. */
typedef struct EditIslands EditIslands;
EditIslands *edit_islands_create(int width, int height); /* of the canvas; NULL: no memory */
void         edit_islands_add(EditIslands *islands, EditRect rect, const float *selection);
bool         edit_islands_find(EditIslands *islands, EditRect *rects, int *count);
void         edit_islands_destroy(EditIslands *islands);

/* One part of what is repainted, with its own context: an island of the selection, or some of them
 * where that is less work than each alone. */
typedef struct {
    EditRect region, result;
    int      work_width, work_height;
} EditCrop;

typedef struct {
    EditRect canvas;           /* the new canvas in its own coordinates: x = y = 0 */
    int      shift_x, shift_y; /* where the old origin lies in it: left, top */
    EditRect region; /* what must be read of the (new) canvas; may reach beyond the old pixels:
                        there the caller gives alpha 0 */
    EditRect result; /* where the result's layer will lie: inside region */
    EditCrop crops[EDIT_MAX_ISLANDS]; /* [crop_count], at least one; region and result are what they
                                         have together */
    int      crop_count;
    int      work_width, work_height; /* size of the (first) pass of the largest */
    int      passes;                  /* calls of engine_generate() in all */
    double   cost_pixels;             /* sum of pixels over passes, for estimates */
    bool     little_context;          /* warn: less known than the model likes to see */
    char     warning[256];            /* sentence, or "" */
} EditPlan;

/* Fails with the sentences a person can act on, before any pixel or weight is read. */
bool edit_plan(const EditSettings *settings, const EngineModelInfo *model, EditPlan *plan,
               EngineError *error);

typedef struct EditJob EditJob;

/* rgba       [region.height, region.width, 4] straight alpha sRGB of what the model may see
 * selection  [region.height, region.width] 0 … 1, as drawn; NULL: all (or what is empty, outpaint)
 * Both are copied as far as needed.  NULL with a sentence: nothing selected, nothing known … */
EditJob *edit_prepare(const EditSettings *settings, const EngineModelInfo *model,
                      const EditPlan *plan, const float *rgba, const float *selection,
                      EngineError *error);
void     edit_job_destroy(EditJob *job);

/* The same from the pixels of each crop's region, [plan->crop_count]: what lies between islands need
 * not be read. */
typedef struct {
    const float *rgba, *selection;
} EditPixels;
EditJob *edit_prepare_crops(const EditSettings *settings, const EngineModelInfo *model,
                            const EditPlan *plan, const EditPixels *pixels, EngineError *error);

/* Where the model may paint and where its result will cover, for a picture in a dialog: borrowed
 * from the job, [region.height, region.width] of the first crop.  Of an outpaint in several stages the
 * present one's; of a seam repair in the turned picture; NULL: all of it. */
const float *edit_job_denoise_mask(const EditJob *job);
const float *edit_job_compose_mask(const EditJob *job);

/* What a crop became, at an integer offset in the (new) canvas. */
typedef struct {
    EditRect rect;
    float   *rgba; /* [rect.height, rect.width, 4], straight alpha, sRGB */
    float   *mask; /* [rect.height, rect.width]: exactly 0 where nothing may change */
} EditPart;

/* A finished candidate. */
typedef struct {
    EditRect  rect;        /* bounds of its parts */
    float    *rgba, *mask; /* of the only part; NULL where there are several */
    EditPart *parts;       /* [part_count], one for each crop; they do not meet */
    int       part_count;
    uint64_t seed;
    bool     replaces; /* soft transparency was kept: mixed with what is below by the mask, not laid
                          over it, or it would thicken */
    float seam_score; /* mean gradient jump across the border over that along it; lower is better */
    int   kept_step, kept_steps; /* request->enough() ended the last pass that ran after this step of
                                    so many, and passes behind it gave what they started from; 0, 0:
                                    all ran */
} EditResult;

void edit_result_clear(EditResult *result);

/* Lays a result on a picture, for who has no layers: rgba [height, width, 4], straight alpha, is the
 * new canvas.  The mask tells how much of each pixel, alpha and all, becomes the result's. */
void edit_result_lay(const EditResult *result, float *rgba, int width, int height);

/* Runs request->count candidates into results [request->count], to be cleared by the caller; on
 * failure all are empty.  Of *request the prompts, seed, sampler, schedule, steps, guidance, noise,
 * count and reports are taken; sizes, strengths, pictures and masks are the job's.  Candidate i
 * uses seed + i, and each stage of an outpaint after the first one more.  request->progress sees
 * one run: fractions over all passes and candidates; previews belong to edit_job_preview_rect().
 * request->picture is called with each finished candidate's RGBA crop.  When request->enough() says
 * so, the pass that runs is ended early as engine_generate() does it, one behind a candidate's first
 * that has finished no step yet is dropped, those behind it start from and give the same picture,
 * and results of candidates that were not begun are left empty. */
bool edit_generate(EditJob *job, Engine *engine, const EngineRequest *request, EditResult *results,
                   EngineError *error);
/* What the pass that runs now shows, in the new canvas; beyond its right and lower border where the
 * canvas is too small for the model. */
EditRect edit_job_preview_rect(const EditJob *job);

/* The pieces of edit_generate(), for tests and other back ends: all passes of the plan in turn, the
 * first of which starts a new candidate.  edit_pass_prepare() puts sizes, strength, pictures, masks
 * and tiling into request, borrowed until the pass is finished with the RGB that came of it. */
bool edit_pass_prepare(EditJob *job, int pass, EngineRequest *request, EngineError *error);
bool edit_pass_finish(EditJob *job, int pass, const EnginePicture *decoded, EngineError *error);
bool edit_finish(EditJob *job, EditResult *result, EngineError *error);

/* Memory and time before anything is loaded, of all passes. */
bool edit_estimate(const EditSettings *settings, const EditPlan *plan, Engine *engine,
                   const EngineRequest *request, EngineEstimate *estimate, EngineError *error);
