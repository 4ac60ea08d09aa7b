/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A progress bar on standard error, when that is a terminal. */
#pragma once

#include "../engine.h"

typedef struct {
    bool   shown, enabled;
    int    width;      /* columns of the terminal */
    double last_shown; /* seconds; it is drawn at most ten times a second */
} Progress;

void progress_begin(Progress *progress, bool quiet);
void progress_show(Progress *progress, const EngineProgress *now);
void progress_end(Progress *progress); /* wipes the line; more than once is fine */
