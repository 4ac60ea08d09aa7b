/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Are all tensors there that a config calls for, in the shapes it calls for? */
#pragma once

#include "config.h"

enum { CONFIG_FAULTS_SIZE = 640 };

/* How many tensors are missing or wrong; the first three as text, 0 and "" for a whole model. */
int config_faults(const ModelConfig *config, const Checkpoint *checkpoint,
                  char text[CONFIG_FAULTS_SIZE]);
