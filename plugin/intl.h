/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Translations of the plug-in's own catalogue; included last. */
#pragma once

#include "config.h"

#include <libintl.h>

#define _(text)                   dgettext (GETTEXT_PACKAGE, text)
#define N_(text)                  (text)
#define C_(context, text)         g_dpgettext2 (GETTEXT_PACKAGE, context, text)
#define ngettext_(one, many, n)   dngettext (GETTEXT_PACKAGE, one, many, n)
