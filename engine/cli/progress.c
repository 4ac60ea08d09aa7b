/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

void progress_begin(Progress *progress, bool quiet)
{
    struct winsize size;
    *progress = (Progress){ .enabled = !quiet && isatty(STDERR_FILENO), .width = 80 };
    if (progress->enabled && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
        progress->width = size.ws_col;
}

static void describe(char *text, size_t size, const EngineProgress *now)
{
    char which[48] = "";
    if (now->count > 1)
        snprintf(which, sizeof which, "picture %d of %d, ", now->image + 1, now->count);
    switch (now->stage) {
    case ENGINE_STAGE_TEXT: snprintf(text, size, "reading the prompt"); break;
    case ENGINE_STAGE_ENCODE: snprintf(text, size, "encoding the picture"); break;
    case ENGINE_STAGE_SAMPLE:
        snprintf(text, size, "%sstep %d of %d", which, now->step, now->steps);
        break;
    case ENGINE_STAGE_DECODE: snprintf(text, size, "%sdecoding", which); break;
    }
    if (now->seconds_left >= 0) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, ", %.0f s left", now->seconds_left);
    }
}

void progress_show(Progress *progress, const EngineProgress *now)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    double seconds = (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
    if (!progress->enabled || (progress->shown && seconds - progress->last_shown < 0.1))
        return;
    progress->last_shown = seconds;
    char text[128], bar[41];
    int  cells = progress->width < 100 ? 20 : 40;
    int  full = (int)(now->fraction * cells);
    for (int i = 0; i < cells; i++)
        bar[i] = i < full ? '#' : '.';
    bar[cells] = '\0';
    describe(text, sizeof text, now);
    fprintf(stderr, "\r\033[K[%s] %3.0f %%  %.*s", bar, now->fraction * 100,
            progress->width - cells - 12, text);
    fflush(stderr);
    progress->shown = true;
}

void progress_end(Progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
