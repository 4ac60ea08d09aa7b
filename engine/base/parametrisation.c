/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "parametrisation.h"

Parametrisation parametrisation_default(void)
{
    return (Parametrisation){
        .predicts = PREDICTS_NOISE,
        .betas = BETAS_SCALED_LINEAR,
        .beta_start = 0.00085,
        .beta_end = 0.012,
    };
}
