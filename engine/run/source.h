/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pictures that a pass is given, as the sampler and the network work on them. */
#pragma once

#include "engine_parts.h"

/* Tensors that are not there have n 0; h x w latent pixels each. */
typedef struct {
    Tensor latents; /* [1, z, h, w] what the sampler starts from and keeps */
    Tensor mask;    /* [1, 1, h, w] where it may paint, and when */
    Tensor extra;   /* [1, z or 1 + z, h, w] what stands behind the noisy latents in the network's
                       input: the picture to change, or the hole and what is around it */
} Source;

/* Whether the request's source is what the sampler starts from: an instruct model sees it instead. */
bool source_is_start(const Engine *engine, const EngineRequest *request);

/* Memory for all of it, from the arena's low end (also dry). */
Source source_new(Compute *compute, const Engine *engine, const EngineRequest *request);

/* Encodes the request's pictures.  False when there is nothing to encode. */
bool source_encode(Compute *compute, const Engine *engine, const Source *source,
                   const EngineRequest *request);
