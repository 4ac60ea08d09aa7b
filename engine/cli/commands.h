/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of `diffuse`: each prints its results on standard output and returns true, or fails
 * with the sentence that main() prints. */
#pragma once

#include "options.h"

#include <stdatomic.h>

/* Set by Ctrl-C: a running generation stops within 200 ms; pictures that are finished stay. */
extern atomic_bool interrupted;

bool command_make(const Options *options, EngineError *error); /* txt2img … instruct */
bool command_inspect(const Options *options, EngineError *error);
bool command_tokens(const Options *options, EngineError *error);
bool command_eval(const Options *options, EngineError *error);

/* The model named by -m, or the demo checkpoint; NULL with a sentence when that is not there. */
const char *command_model_path(const Options *options, EngineError *error);

/* "text" with JSON's escapes, in quotes. */
void print_json_string(const char *text);
/* text for a terminal: what is not printable shows as \xNN. */
void print_shown(const char *text);
