/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a file that is not what it should be is instead, told by its first bytes. */
#pragma once

#include <stddef.h>

/* "a ZIP archive (…)" for the end of a sentence "is no … but"; NULL when the bytes tell nothing. */
const char *content_name(const unsigned char *head, size_t size);
