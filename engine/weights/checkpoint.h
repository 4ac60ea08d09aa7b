/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tensors of one model, wherever they lie: a single file in the original (LDM) layout, or a
 * diffusers folder with shards.  Everyone above asks with the LDM name; a folder's names are
 * translated here.
 *
 * Parts and the names they are asked for with (no prefix):
 *   PART_UNET   "input_blocks.0.0.weight", "middle_block.1.norm.weight", "out.2.bias", "label_emb.0.0.weight"
 *   PART_VAE    "encoder.down.0.block.0.conv1.weight", "quant_conv.weight"
 *   PART_TEXT   first text encoder, in HF's names: "text_model.encoder.layers.0.self_attn.q_proj.weight",
 *   PART_TEXT_2 second one (SDXL).  OpenCLIP's own names (transformer.resblocks.…) are translated,
 *               a fused in_proj becoming three row views, so that one binder serves all; its
 *               "text_projection" [in, out] is offered as "text_projection.weight" with
 *               Weight.shape as in the file and transposed = true in checkpoint_is_transposed().
 *   PART_TAESD  "encoder.0.weight" / "decoder.1.weight", numbered as in taesd_{en,de}coder files */
#pragma once

#include "../base/error.h"
#include "../compute/tensor.h"
#include "../files/json.h"
#include "../files/safetensors.h"
#include "weight_store.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Checkpoint Checkpoint;

typedef enum { PART_UNET, PART_VAE, PART_TEXT, PART_TEXT_2, PART_TAESD, PART_COUNT } CheckpointPart;

/* Files or folders whose tensors take the place of the checkpoint's own; NULL: none. */
typedef struct {
    const char *vae, *taesd, *text_encoder; /* text_encoder: also of another checkpoint, both towers of SDXL */
} CheckpointExtras;

/* path: a .safetensors file, a diffusers folder or its model_index.json, a folder of the Hugging Face
 * cache.  extras may be NULL.  Without another VAE, NAME.vae.safetensors beside NAME.safetensors is taken,
 * as A1111 does.  Opens whatever is well-formed: whether it is a model that can be run,
 * config_from_checkpoint() tells. */
Checkpoint *checkpoint_open(const char *path, const CheckpointExtras *extras, EngineError *error);
/* The headers only, for looking at; binding gives weights without data. */
Checkpoint *checkpoint_open_header(const char *path, const CheckpointExtras *extras, EngineError *error);
/* The same from a Safetensors, which it then owns, also on failure. */
Checkpoint *checkpoint_from_file(Safetensors *file, EngineError *error);
void        checkpoint_close(Checkpoint *checkpoint);

const char *checkpoint_path(const Checkpoint *checkpoint);
uint64_t    checkpoint_bytes(const Checkpoint *checkpoint);   /* of all files */
bool        checkpoint_changed(const Checkpoint *checkpoint); /* any file, see safetensors_changed() */

/* Is it there, and with which shape? Never fails. shape may be NULL; unused dimensions are 1. */
bool checkpoint_has(const Checkpoint *checkpoint, CheckpointPart part, const char *name,
                    int shape[TENSOR_MAX_RANK]);

/* Finds a tensor and checks its shape (trailing dimensions of 1 do not count: a 1x1 convolution is a
 * linear layer).  An fp8 weight with a number beside it (NAME.scale_weight, NAME.weight_scale) gets that as
 * its scale.  False with a sentence naming file, tensor, want and got when missing, of another shape, or of
 * a type that cannot be computed with. */
bool checkpoint_bind(const Checkpoint *checkpoint, CheckpointPart part, const char *name,
                     Weight *weight, int d0, int d1, int d2, int d3, EngineError *error);

/* The store that networks bound to this checkpoint tell their weights; owned by it. */
WeightStore *checkpoint_weights(const Checkpoint *checkpoint);

bool checkpoint_is_transposed(const Checkpoint *checkpoint, CheckpointPart part, const char *name);

/* Text of `__metadata__` (single file) or NULL. */
const char *checkpoint_metadata(const Checkpoint *checkpoint, const char *key);

/* A member of the object in `__metadata__.config`; null where there is none. */
const Json *checkpoint_metadata_config(const Checkpoint *checkpoint, const char *key);

/* ---- for config.c and inspect.c ----------------------------------------------------------- */

/* Has the checkpoint any tensor of this part? */
bool checkpoint_has_part(const Checkpoint *checkpoint, CheckpointPart part);
/* Are its tensors named as OpenCLIP names them? */
bool checkpoint_is_openclip(const Checkpoint *checkpoint, CheckpointPart part);
/* The tensor as the file describes it, under its LDM name; NULL when it is not there. */
const SafetensorsEntry *checkpoint_entry(const Checkpoint *checkpoint, CheckpointPart part,
                                         const char *name);
/* The name it has, or would have, in the file. */
void checkpoint_file_name(const Checkpoint *checkpoint, CheckpointPart part, const char *name,
                          char out[256]);

/* The first `most` numbers of a small tensor, also where only headers were opened; how many there are, 0 when
 * it is not there.  name: LDM's, of a part; or, in the second, the file's own of a single file. */
size_t checkpoint_numbers(const Checkpoint *checkpoint, CheckpointPart part, const char *name, float *out,
                          size_t most);
size_t checkpoint_file_numbers(const Checkpoint *checkpoint, const char *name, float *out, size_t most);

/* The number beside an fp8 weight, 0 where only headers were opened.  Several of them, for rows or blocks, are
 * another format: false with a sentence, as for 0 and what is not finite. */
bool checkpoint_read_scale(const SafetensorsEntry *scale, float *value, const char *path,
                           EngineError *error);

/* config.json of a part, from the folder or `__metadata__.config`; NULL where there is none. */
const Json *checkpoint_config(const Checkpoint *checkpoint, CheckpointPart part);
const Json *checkpoint_scheduler(const Checkpoint *checkpoint);   /* scheduler_config.json */
const Json *checkpoint_model_index(const Checkpoint *checkpoint); /* model_index.json */
const Json *checkpoint_added_tokens(const Checkpoint *checkpoint); /* tokenizer/added_tokens.json */

/* The VAE that was taken in place of the checkpoint's own, or NULL. */
const char *checkpoint_vae_path(const Checkpoint *checkpoint);

size_t             checkpoint_file_count(const Checkpoint *checkpoint);
const Safetensors *checkpoint_file(const Checkpoint *checkpoint, size_t index);
bool               checkpoint_is_folder(const Checkpoint *checkpoint);
