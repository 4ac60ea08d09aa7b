/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Translations for ui/: the plug-in's catalogue, bound by whoever calls.  Included last. */
#pragma once

#include <libintl.h>

#define _(text) dgettext (GETTEXT_PACKAGE, text)
#define N_(text) (text)
