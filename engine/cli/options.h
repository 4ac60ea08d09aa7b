/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of `diffuse`, read into one struct. */
#pragma once

#include "../edit.h"
#include "../request_settings.h"

typedef struct {
    double value;
    bool   percent; /* of the picture's side */
} Amount;

typedef struct {
    const char *command;      /* "txt2img" … */
    const char *arguments[3]; /* what stands without a dash: file names */
    int         argument_count;

    const char *model, *vae, *text_encoder, *taesd, *input, *mask, *output, *save_stages;
    const char *prompt, *negative_prompt;
    Amount      left, right, top, bottom;

    EngineRequest request; /* the settings of which options_has() is true; nothing else */
    bool          has[REQUEST_SETTING_COUNT];

    int threads, context_pixels;
    int feather, grow, edge_width; /* pixels; -1: chosen from the mask's size */
    int prediction; /* EnginePrediction */
    int intent;     /* EditIntent; -1: the command's own */
    int edge;       /* EditEdge */
    int context;    /* EditContext */
    bool no_colour_match, keep_transparency;
    bool json, quiet, parameters, layer, estimate, help, version;
} Options;

/* False with a sentence (ENGINE_BAD_REQUEST). Strings are argv's. */
bool options_read(Options *options, int argc, char **argv, EngineError *error);

/* Whether the setting at this offset of EngineRequest was given. */
bool options_has(const Options *options, size_t offset);

/* Prints the page for a command, or the overview for NULL. */
void options_print_help(const char *command);
