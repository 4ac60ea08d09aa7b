/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Are all tensors there that a config calls for, in the shapes it calls for? */
#pragma once

#include "config.h"

/* False with the first three tensors that are missing or wrong. */
bool config_check(const ModelConfig *config, const Checkpoint *checkpoint, EngineError *error);

