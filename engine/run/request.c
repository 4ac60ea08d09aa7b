/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request.h"

#include "../base/number.h"

#include <math.h>
#include <string.h>

static bool check_range(double value, double least, double most, const char *name,
                        EngineError *error)
{
    if (value >= least && value <= most)
        return true;
    char low[32], high[32], got[32] = "not a number";
    number_format(low, least);
    number_format(high, most);
    if (isfinite(value))
        number_format(got, value);
    return fail(error, ENGINE_BAD_REQUEST, "The %s is %s; it must be from %s to %s.", name, got, low,
                high);
}

static bool check_side(int pixels, int factor, const char *name, EngineError *error)
{
    if (pixels < 64 || pixels > 16384)
        return fail(error, ENGINE_BAD_REQUEST,
                    "The %s is %d pixels; it must be from 64 to 16384.", name, pixels);
    if (pixels % factor)
        return fail(error, ENGINE_BAD_REQUEST,
                    "The %s is %d pixels; the model works in steps of %d: use %d.", name, pixels,
                    factor, (pixels + factor / 2) / factor * factor);
    return true;
}

static bool check_picture(const EnginePicture *picture, const EngineRequest *request, int channels,
                          const char *name, EngineError *error)
{
    if (!picture)
        return true;
    if (!picture->pixels || picture->channels != channels)
        return fail(error, ENGINE_BAD_REQUEST, "The %s must have %d channel%s, not %d.", name,
                    channels, channels > 1 ? "s" : "", picture->pixels ? picture->channels : 0);
    if (picture->width != request->width || picture->height != request->height)
        return fail(error, ENGINE_BAD_REQUEST,
                    "The %s is %d x %d and the picture to make %d x %d; they must be the same size.",
                    name, picture->width, picture->height, request->width, request->height);
    return true;
}

bool request_check(const EngineRequest *request, const EngineModelInfo *model, int factor,
                   EngineError *error)
{
    if (!check_side(request->width, factor, "width", error) ||
        !check_side(request->height, factor, "height", error) ||
        !check_range(request->steps, 1, 1000, "number of steps", error) ||
        !check_range(request->count, 1, 64, "number of pictures", error) ||
        !check_range(request->cfg, 0, 100, "guidance scale", error) ||
        !check_range(request->image_cfg, 0, 100, "image guidance scale", error) ||
        !check_range(request->cfg_rescale, 0, 1, "guidance rescale", error) ||
        !check_range(request->strength, 0, 1, "denoising strength", error) ||
        !check_range(request->clip_skip, 0, 100, "clip skip", error))
        return false;
    if ((int)request->sampler < 0 || request->sampler >= ENGINE_SAMPLER_COUNT ||
        (int)request->schedule < 0 || request->schedule >= ENGINE_SCHEDULE_COUNT)
        return fail(error, ENGINE_BAD_REQUEST, "The request names a sampler or a schedule that does "
                                               "not exist.");
    if (!check_picture(request->source, request, 3, "source picture", error) ||
        !check_picture(request->known, request, 3, "known picture", error) ||
        !check_picture(request->mask, request, 1, "mask", error) ||
        !check_picture(request->hole, request, 1, "hole mask", error))
        return false;
    if (request->mask && !request->source)
        return fail(error, ENGINE_BAD_REQUEST,
                    "There is a mask but no source picture; give the picture that it belongs to.");
    if (model->in_channels == 8 && !request->source)
        return fail(error, ENGINE_BAD_REQUEST,
                    "This InstructPix2Pix checkpoint changes a picture by an instruction and none is "
                    "given; use a base checkpoint to make one from text.");
    return true;
}
