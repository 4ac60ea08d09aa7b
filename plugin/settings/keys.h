/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings as keys of a layer's record.  Numbers have a point in every locale. */
#pragma once

#include "settings.h"

/* Those that are recorded. */
void keys_write (GKeyFile       *file,
                 const gchar    *group,
                 const Settings *settings);
/* Over what is in `settings'; a record may come from anyone: numbers out of range become the
 * nearest in it, and what is missing or no value stays. */
void keys_read  (GKeyFile       *file,
                 const gchar    *group,
                 Settings       *settings);
