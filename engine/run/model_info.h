/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an opened checkpoint is, for people and programs: behind engine_inspect() and engine_model(). */
#pragma once

#include "../engine.h"
#include "../weights/checkpoint.h"

void model_info_describe(EngineModelInfo *info, const Checkpoint *checkpoint);
