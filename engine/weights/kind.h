/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a well-formed file is, told by the names of its tensors: a checkpoint, a LoRA, an upscaler … */
#pragma once

#include "checkpoint.h"

typedef enum {
    KIND_UNKNOWN,
    KIND_CHECKPOINT, /* U-Net, VAE and text encoder are there */
    KIND_INCOMPLETE,
    KIND_UNET,
    KIND_VAE,
    KIND_TAESD,
    KIND_TEXT_ENCODER,
    KIND_LORA,
    KIND_CONTROLNET,
    KIND_EMBEDDING,
    KIND_UPSCALER,
    KIND_OTHER_MODEL,
} KindOfFile;

typedef struct {
    KindOfFile  kind;
    const char *name;   /* "a LoRA", for "is …" */
    const char *advice; /* what to do with it instead, or "" */
} ModelKind;

/* Cost: one look at each name. */
ModelKind kind_of(const Checkpoint *checkpoint);
