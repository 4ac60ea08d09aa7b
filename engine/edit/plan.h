/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All geometry of an edit, from the settings and the model alone: what edit_plan() tells the
 * caller, and every pass in turn. */
#pragma once

#include "../edit.h"
#include "mask.h"
#include "outpaint.h"
#include "region.h"

typedef struct {
    int       stage;  /* of an outpaint; else 0 */
    bool      second; /* refines the stage's first pass at full size */
    RegionFit fit;    /* canvas coordinates */
    float     strength;
    bool      tile;      /* of a picture that is larger than a model sees */
    int       left, top; /* a tile: pixels of its sides that tiles before it have made, and over which
                            it fades in … */
    int       right;     /* … and that the next one of its row will have in common with it */
} PlanPass;

enum { PLAN_MAX_PASSES = 4096 };

typedef struct {
    EditPlan      summary;
    RegionLimits  limits;
    EditRect      selection;      /* inside the canvas; all of it without one */
    EditRect      known;          /* outpaint: beside this the stages are, in the new canvas */
    bool          whole;          /* everything changes: there is no mask */
    bool          invert;         /* the selection is what stays */
    bool          tile_x, tile_y; /* all of the canvas is seen, and its sides fit together */
    float         strength;
    MaskWidths    widths;
    int           stage_count; /* outpaint */
    OutpaintStage stages[OUTPAINT_MAX_STAGES];
    int           roll_x, roll_y; /* seam repair: the canvas is turned by this first */
    int           band_x, band_y; /* width of what is repainted then along each seam; 0: none */
    int           pass_count;
    PlanPass      passes[PLAN_MAX_PASSES]; /* [pass_count]; nothing behind */
} Plan;

/* How much of a pixel of the canvas is a tile's: 1, or less where it fades in; 1 for other passes. */
float plan_tile_share(const PlanPass *pass, int x, int y);

/* Fails with the sentences of edit.h. */
bool plan_make(Plan *plan, const EditSettings *settings, const EngineModelInfo *model,
               EngineError *error);
