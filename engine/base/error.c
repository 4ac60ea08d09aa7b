/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "error.h"

#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>

bool fail(EngineError *error, EngineStatus status, const char *format, ...)
{
    if (error->status != ENGINE_OK)
        return false;
    char    raw[4 * sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);

    utf8_show(error->message, sizeof error->message, raw);
    error->status = status;
    return false;
}
