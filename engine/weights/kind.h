/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a well-formed file is, told by the names and shapes of its tensors and by a folder's
 * `_class_name`: a checkpoint, a LoRA, an upscaler, a Flux model …  File names say nothing. */
#pragma once

#include "../base/choices.h"
#include "checkpoint.h"

typedef struct {
    EngineFileKind kind;
    const char    *name;   /* "a LoRA", for "is …" */
    const char    *advice; /* what it is for and where it goes, for "…: …"; "" for a checkpoint */
} ModelKind;

/* Cost: one look at each name, of the first 32,768 tensors of a file. */
ModelKind kind_of(const Checkpoint *checkpoint);

/* True for a checkpoint that has all its parts; else fails with the one sentence for people: what the
 * file is, what it is for, where it goes. */
bool kind_check(const Checkpoint *checkpoint, const ModelKind *kind, EngineError *error);

/* Is this `_class_name` of a model_index.json that of a pipeline which is none of ours?  Then its
 * parts need not be opened to name it. */
bool kind_is_foreign(const char *class_name);
