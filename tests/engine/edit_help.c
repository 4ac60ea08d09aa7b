/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edit_help.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

Canvas canvas_new(int w, int h)
{
    Canvas canvas = { w, h, malloc((size_t)w * (size_t)h * 4 * sizeof(float)),
                      calloc((size_t)w * (size_t)h, sizeof(float)) };
    for (int i = 0; i < w * h; i++) {
        int x = i % w, y = i / w;
        canvas.rgba[4 * i] = (float)(((x + y) % 2 ? 150 : 90) + 20 * (x % 3)) / 255;
        canvas.rgba[4 * i + 1] = (float)(60 + x * 100 / w + (y % 5) * 10) / 255;
        canvas.rgba[4 * i + 2] = (float)(60 + y * 150 / h) / 255;
        canvas.rgba[4 * i + 3] = 1;
    }
    return canvas;
}

void canvas_smoothen(Canvas *canvas)
{
    for (int i = 0; i < canvas->w * canvas->h; i++) {
        double x = i % canvas->w, y = i / canvas->w;
        canvas->rgba[4 * i] = (float)(.5 + .3 * sin(x / 90) * cos(y / 70));
        canvas->rgba[4 * i + 1] = (float)(.4 + .2 * sin((x + y) / 80));
        canvas->rgba[4 * i + 2] = (float)(.6 - .2 * cos(y / 60));
    }
}

void canvas_free(Canvas *canvas)
{
    free(canvas->rgba);
    free(canvas->selection);
}

EditRect canvas_select_ellipse(Canvas *canvas, int x0, int y0, int w, int h)
{
    for (int y = y0; y < y0 + h; y++)
        for (int x = x0; x < x0 + w; x++) {
            double u = (x + .5 - x0) / w * 2 - 1, v = (y + .5 - y0) / h * 2 - 1;
            if (x >= 0 && y >= 0 && x < canvas->w && y < canvas->h && u * u + v * v < 1)
                canvas->selection[y * canvas->w + x] = 1;
        }
    return (EditRect){ x0, y0, w, h };
}

float *canvas_cut(const Canvas *canvas, const float *from, int channels, const EditPlan *plan)
{
    EditRect r = plan->region;
    float   *out = calloc((size_t)r.width * (size_t)r.height * (size_t)channels, sizeof *out);
    for (int y = 0; y < r.height; y++) {
        for (int x = 0; x < r.width; x++) {
            int u = r.x + x - plan->shift_x, v = r.y + y - plan->shift_y;
            if (u >= 0 && v >= 0 && u < canvas->w && v < canvas->h)
                memcpy(out + (size_t)(y * r.width + x) * (size_t)channels,
                       from + (size_t)(v * canvas->w + u) * (size_t)channels,
                       (size_t)channels * sizeof *out);
        }
    }
    return out;
}

Outcome canvas_run(const EditSettings *settings, const Canvas *canvas, Engine *engine)
{
    Outcome outcome = { 0 };
    if (!edit_plan(settings, &engine->model, &outcome.plan, &outcome.error))
        return outcome;
    float *rgba = canvas_cut(canvas, canvas->rgba, 4, &outcome.plan);
    float *selection =
        settings->has_selection ? canvas_cut(canvas, canvas->selection, 1, &outcome.plan) : NULL;
    EditJob *job =
        edit_prepare(settings, &engine->model, &outcome.plan, rgba, selection, &outcome.error);
    if (job) {
        EngineRequest request = { .count = 1, .seed = 7, .steps = 20 };
        outcome.ok = edit_generate(job, engine, &request, &outcome.result, &outcome.error);
        EditRect seen = outcome.plan.crops[0].region;
        size_t   count = (size_t)seen.width * (size_t)seen.height;
        outcome.denoise = malloc(count * sizeof *outcome.denoise);
        const float *denoise = edit_job_denoise_mask(job);
        for (size_t i = 0; i < count; i++)
            outcome.denoise[i] = denoise ? denoise[i] : 1;
    }
    free(rgba);
    free(selection);
    edit_job_destroy(job);
    return outcome;
}

float *canvas_laid(const Canvas *canvas, const Outcome *outcome)
{
    EditPlan all = outcome->plan;
    all.region = all.canvas;
    float *rgba = canvas_cut(canvas, canvas->rgba, 4, &all);
    edit_result_lay(&outcome->result, rgba, all.canvas.width, all.canvas.height);
    return rgba;
}

void outcome_free(Outcome *outcome)
{
    edit_result_clear(&outcome->result);
    free(outcome->denoise);
}

EditSettings canvas_settings(EditMode mode, const Canvas *canvas)
{
    EditSettings settings = edit_settings_default(mode);
    settings.canvas_width = canvas->w;
    settings.canvas_height = canvas->h;
    return settings;
}

unsigned char canvas_byte(double value)
{
    return (unsigned char)lround(255 * fmin(1, fmax(0, value)));
}

Difference canvas_compare(const Canvas *canvas, const Outcome *outcome)
{
    Difference        found = { 0 };
    const EditResult *result = &outcome->result;
    EditRect          r = result->rect;
    bool              side[4] = { false };
    for (int y = 0; y < r.height; y++) {
        for (int x = 0; x < r.width; x++) {
            int    at = y * r.width + x;
            double mask = canvas_byte((double)result->mask[at]) / 255.;
            side[0] |= x == 0 && result->mask[at] > 0;
            side[1] |= x == r.width - 1 && result->mask[at] > 0;
            side[2] |= y == 0 && result->mask[at] > 0;
            side[3] |= y == r.height - 1 && result->mask[at] > 0;
            int u = r.x + x - outcome->plan.shift_x, v = r.y + y - outcome->plan.shift_y;
            if (u < 0 || v < 0 || u >= canvas->w || v >= canvas->h)
                continue;
            for (int c = 0; c < 3; c++) {
                int was = canvas_byte((double)canvas->rgba[4 * (v * canvas->w + u) + c]);
                int is = canvas_byte(was / 255. * (1 - mask) +
                              canvas_byte((double)result->rgba[4 * at + c]) / 255. * mask);
                found.changed_outside += mask == 0 && is != was;
                found.worst = abs(is - was) > found.worst ? abs(is - was) : found.worst;
            }
        }
    }
    found.at_border = side[0] && side[1] && side[2] && side[3];
    return found;
}
