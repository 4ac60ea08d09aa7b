/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a crop became, once all of its passes are finished. */
#pragma once

#include "crop.h"

bool result_make(CropJob *job, EditResult *result, EngineError *error);
