/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A canvas, an edit of it from the settings to the result, and what changed. */
#pragma once

#include "engine_double.h"

#include "edit.h"

typedef struct {
    int    w, h;
    float *rgba, *selection;
} Canvas;

/* A checkerboard of single pixels with colours that tell where they are: a shift by one shows. */
Canvas canvas_new(int w, int h);
void   canvas_free(Canvas *canvas);
/* Colours that change slowly, so that a change of size does not lose much. */
void canvas_smoothen(Canvas *canvas);
/* An ellipse of the selection tool. */
EditRect     canvas_select_ellipse(Canvas *canvas, int x0, int y0, int w, int h);
EditSettings canvas_settings(EditMode mode, const Canvas *canvas);
/* What the plan asks for, of the canvas with its extension. */
float *canvas_cut(const Canvas *canvas, const float *from, int channels, const EditPlan *plan);

typedef struct {
    EditPlan    plan;
    EditResult  result;
    float      *denoise; /* of the first crop's region */
    EngineError error;
    bool        ok;
} Outcome;

Outcome canvas_run(const EditSettings *settings, const Canvas *canvas, Engine *engine);
/* The new canvas [plan.canvas.height, plan.canvas.width, 4] with the result laid over it. */
float *canvas_laid(const Canvas *canvas, const Outcome *outcome);
void   outcome_free(Outcome *outcome);

typedef struct {
    int  changed_outside; /* bytes where the mask's byte is 0 */
    int  worst;           /* levels, over all */
    bool at_border; /* mask > 0 on all four sides of the crop: it is no larger than it must be */
} Difference;

/* The result laid over the canvas as GIMP does with bytes, and compared with the canvas. */
Difference    canvas_compare(const Canvas *canvas, const Outcome *outcome);
unsigned char canvas_byte(double value);
