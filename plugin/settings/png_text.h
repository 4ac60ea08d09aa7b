/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts in PNG files: the chunks tEXt, zTXt and iTXt. */
#pragma once

#include <gio/gio.h>

/* The first text with this keyword, as UTF-8; NULL with a sentence: not a PNG file,
 * damaged, or without such a text.  Pixels are skipped. */
gchar  *png_text_read  (GFile        *file,
                        const gchar  *keyword,
                        GError      **error);

/* A chunk's contents for a text: tEXt where Latin-1 will do, else iTXt; *chunk is the
 * chunk's name. */
GBytes *png_text_chunk (const gchar  *keyword,
                        const gchar  *text,
                        const gchar **chunk);
