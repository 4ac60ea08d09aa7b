/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The passes of a crop: its pixels on their way into the model and out of it. */
#pragma once

#include "crop.h"

/* Makes the pictures of a pass and puts them, borrowed, and all that goes with them into request.
 */
bool passes_prepare_pass(CropJob *job, int pass, EngineRequest *request, EngineError *error);
/* decoded: RGB of the pass's work size. */
bool passes_finish_pass(CropJob *job, int pass, const EnginePicture *decoded, EngineError *error);
