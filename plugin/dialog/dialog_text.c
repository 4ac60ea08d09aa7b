/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog_text.h"

#include <string.h>

#include "intl.h"

gchar *
dialog_text_title (GimpProcedure *procedure)
{
  gchar **words = g_strsplit (gimp_procedure_get_menu_label (procedure), "_", -1);
  gchar  *label = g_strjoinv ("", words);
  gchar  *title;

  if (g_str_has_suffix (label, "…"))
    label[strlen (label) - strlen ("…")] = '\0';
  title = g_strdup (g_strstrip (label));
  g_free (label);
  g_strfreev (words);
  return title;
}

gchar *
dialog_text_progress (const JobProgress *now)
{
  const gchar *stage = now->stage == ENGINE_STAGE_TEXT   ? _("Reading the prompt")
                     : now->stage == ENGINE_STAGE_ENCODE ? _("Looking at the picture")
                     : now->stage == ENGINE_STAGE_DECODE ? _("Painting the pixels")
                                                         : NULL;
  GString     *text  = g_string_new (NULL);

  if (now->count > 1)
    g_string_append_printf (text, _("Picture %d of %d: "), now->image + 1, now->count);
  if (stage)
    g_string_append (text, stage);
  else
    g_string_append_printf (text, _("step %d of %d"), now->step, now->steps);
  if (now->seconds_left >= 90)
    g_string_append_printf (text, _(", %.0f min left"), now->seconds_left / 60);
  else if (now->seconds_left >= 0)
    g_string_append_printf (text, _(", %.0f s left"), now->seconds_left);
  return g_string_free (text, FALSE);
}

gchar *
dialog_text_caption (const Candidate *candidate)
{
  gchar *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, candidate->edit.seed);
  gchar *text;

  if (! candidate->edit.kept_steps)
    return seed;
  /* Translators: below a result: seed, and how far its run came. */
  text = g_strdup_printf (_("%s (%d/%d)"), seed, candidate->edit.kept_step,
                          candidate->edit.kept_steps);
  g_free (seed);
  return text;
}

gchar *
dialog_text_tooltip (const Candidate *candidate)
{
  gchar *model = g_filename_display_basename (candidate->model_path);
  gchar *text;

  /* Translators: about a result: prompt, steps, sampler, model, and how long it took. */
  text = g_strdup_printf (_("%s\n%d steps, %s\n%s\nMade in %.1f s"), candidate->prompt,
                          candidate->request.steps,
                          engine_sampler_label (candidate->request.sampler), model,
                          candidate->seconds);
  g_free (model);
  return text;
}

gchar *
dialog_text_estimate (const EngineEstimate *estimate)
{
  gchar *memory = g_format_size (estimate->scratch_bytes +
                                 estimate->picture_bytes);
  gchar *text;

  if (estimate->seconds < 90)
    text = g_strdup_printf (_("About %.0f s and %s of memory"), estimate->seconds, memory);
  else
    text = g_strdup_printf (_("About %.0f min and %s of memory"), estimate->seconds / 60,
                            memory);
  g_free (memory);
  return text;
}
