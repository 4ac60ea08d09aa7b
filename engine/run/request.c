/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request.h"

#include "../request_settings.h"
#include "../text/prompt.h"

static bool check_side(int pixels, int factor, const char *name, EngineError *error)
{
    return pixels % factor == 0 ||
           fail(error, ENGINE_BAD_REQUEST,
                "The %s is %d pixels; the model works in steps of %d: use %d.", name, pixels, factor,
                (pixels + factor / 2) / factor * factor);
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
    for (size_t i = 0; i < REQUEST_SETTING_COUNT; i++)
        if (!request_setting_check(request, &request_settings[i], error))
            return false;
    if (!check_side(request->width, factor, "width", error) ||
        !check_side(request->height, factor, "height", error))
        return false;
    if (request->prompt && prompt_has_and(request->prompt))
        return fail(error, ENGINE_BAD_REQUEST,
                    "The prompt has AND in it, by which AUTOMATIC1111's programs mean several prompts at "
                    "once; that is not done here. Write a comma, BREAK, or \"and\" in small letters.");
    if (!check_picture(request->source, request, 3, "source picture", error) ||
        !check_picture(request->known, request, 3, "known picture", error) ||
        !check_picture(request->mask, request, 1, "mask", error) ||
        !check_picture(request->hole, request, 1, "hole mask", error))
        return false;
    if (request->mask && !request->source)
        return fail(error, ENGINE_BAD_REQUEST,
                    "There is a mask but no source picture; give the picture that it belongs to.");
    if (!model->takes_source && (request->source || model->takes_hole || model->takes_instruction))
        return fail(error, ENGINE_UNSUPPORTED,
                    "The model's VAE has no encoder, so pictures cannot be read; give it another VAE, or "
                    "make a picture from text%s.",
                    model->takes_hole || model->takes_instruction ? " with a base model" : "");
    if (model->takes_instruction && !request->source)
        return fail(error, ENGINE_BAD_REQUEST,
                    "This InstructPix2Pix checkpoint changes a picture by an instruction and none is "
                    "given; use a base checkpoint to make one from text.");
    return true;
}
