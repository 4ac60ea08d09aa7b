/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an Engine is made of: for those in run/ who make pictures. */
#pragma once

#include "../engine.h"
#include "../networks/clip.h"
#include "../networks/config.h"
#include "../networks/denoiser.h"
#include "../networks/vae.h"
#include "../sample/schedule.h"
#include "../text/tokenizer.h"
#include "maker.h"
#include "preview.h"
#include "session.h"

struct Engine {
    EngineSession  *session; /* borrowed */
    const Maker    *maker;   /* who carries out its requests */
    char           *path;
    Checkpoint     *checkpoint; /* the mapped weights that everything below borrows */
    ModelConfig     config;
    DenoiserCapabilities can;
    EngineModelInfo info;
    Tokenizer      *tokenizer;
    Clip    *text[CONFIG_MAX_TEXTS];
    Denoiser       *denoiser;
    Vae            *vae;
    Taesd          *taesd; /* NULL: previews by preview.h */
    int             factor; /* pixels a latent pixel stands for */
    NoiseLevels     levels;
    PreviewFit      preview;
};
