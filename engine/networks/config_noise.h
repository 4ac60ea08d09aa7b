/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a checkpoint was trained to see noise, and how it wants to be run: from the scheduler's config of a
 * folder, claims in the metadata, tensors that only tell this, and last the family. */
#pragma once

#include "config.h"

/* Needs the U-Net and the VAE read; writes the parametrisation, the VAE's statistics that EDM models keep
 * beside it, and the defaults.  second_family: SD 2.x. */
void noise_from_checkpoint(ModelConfig *config, const Checkpoint *checkpoint, bool second_family);
