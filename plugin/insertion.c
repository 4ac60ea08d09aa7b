/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "insertion.h"

#include "canvas.h"
#include "record.h"
#include "scene.h"

#include "intl.h"

/* The prompt's first words, or what the procedure is called. */
static gchar *
short_prompt (Run             *run,
              const Candidate *candidate)
{
  gchar *line = g_strdup (candidate->prompt);
  gchar *name;

  g_strdelimit (line, "\r\n\t", ' ');
  g_strstrip (line);
  if (! line[0] || ! g_utf8_validate (line, -1, NULL))
    {
      g_free (line);
      line = g_strdup (gimp_procedure_get_menu_label (run->procedure));
      g_strdelimit (line, "_", ' ');
      g_strstrip (line);
    }
  if (g_utf8_strlen (line, -1) > 40)
    {
      gchar *start = g_utf8_substring (line, 0, 39);

      name = g_strconcat (g_strchomp (start), "…", NULL);
      g_free (start);
      g_free (line);
    }
  else
    {
      name = line;
    }

  return name;
}

/* Colors without their transparency, for a layer that is as transparent as what it covers: laid over
 * that it would make it thicker. */
static gfloat *
solid_pixels (const EditPart *part)
{
  gsize   count  = (gsize) part->rect.width * (gsize) part->rect.height;
  gfloat *pixels = g_memdup2 (part->rgba, 4 * count * sizeof (gfloat));

  for (gsize i = 0; i < count; i++)
    if (pixels[4 * i + 3] > 0.0f)
      pixels[4 * i + 3] = 1.0f;

  return pixels;
}

static GimpLayer *
candidate_layer (Run             *run,
                 const Candidate *candidate,
                 GimpImage       *image,
                 gint             move_x,
                 gint             move_y)
{
  gchar     *prompt = short_prompt (run, candidate);
  gchar     *seed   = g_strdup_printf ("%" G_GUINT64_FORMAT, candidate->request.seed);
  /* Translators: a layer's name: prompt and seed. */
  gchar     *name   = g_strdup_printf (_("%s (seed %s)"), prompt, seed);
  EditRect   rect   = candidate->edit.rect;
  GimpLayer *layer;
  EditPart  *parts;
  gint       count  = candidate->edit.part_count;
  gboolean   clips;

  rect.x += move_x;
  rect.y += move_y;
  clips   = candidate->edit.replaces && run_source (run) == CANVAS_VISIBLE;
  parts   = g_memdup2 (candidate->edit.parts, (gsize) count * sizeof *parts);
  for (gint i = 0; i < count; i++)
    {
      if (clips)
        parts[i].rgba = solid_pixels (&parts[i]);
      parts[i].rect.x += move_x;
      parts[i].rect.y += move_y;
    }
  layer   = canvas_layer_new (image, name, &rect, parts, count,
                              candidate->settings.mode != EDIT_TEXT_TO_IMAGE);
  if (clips)
    gimp_layer_set_composite_mode (layer, GIMP_LAYER_COMPOSITE_CLIP_TO_BACKDROP);
  for (gint i = 0; clips && i < count; i++)
    g_free (parts[i].rgba);
  g_free (parts);
  record_attach (layer, candidate, run_source (run));
  g_free (name);
  g_free (seed);
  g_free (prompt);

  return layer;
}

static gboolean
has_size (GimpImage *image,
          gint       width,
          gint       height)
{
  return gimp_image_get_width (image) == width && gimp_image_get_height (image) == height;
}

/* Whether the candidate still belongs where it was made for.  *grows: the canvas has to be extended for
 * it, which another one of the same run may have done, and an undo taken back. */
static gboolean
place_is_there (Run             *run,
                const Candidate *candidate,
                gboolean        *grows)
{
  const EditSettings *settings = &candidate->settings;
  const EditRect     *canvas   = &candidate->plan.canvas;

  *grows = FALSE;
  if (! scene_has_image (run->image) || ! canvas_check (run->image, NULL))
    return FALSE;
  if (settings->mode == EDIT_TEXT_TO_IMAGE || has_size (run->image, canvas->width, canvas->height))
    return TRUE;

  *grows = settings->mode == EDIT_OUTPAINT;
  return *grows && has_size (run->image, settings->canvas_width, settings->canvas_height);
}

static gboolean
insert_here (Run        *run,
             GimpImage  *image,
             Candidate **candidates,
             gint        count,
             gint        move_x,
             gint        move_y,
             gboolean    grows,
             GimpLayer **layer,
             GError    **error)
{
  const Candidate  *first    = candidates[0];
  GimpLayer       **layers   = g_new0 (GimpLayer *, count + 1);
  gchar            *name;
  CanvasGrowth      growth   = { first->plan.canvas.width, first->plan.canvas.height,
                                 first->plan.shift_x, first->plan.shift_y };
  GimpParasite     *parasite = NULL;
  gboolean          inserted, parameters = FALSE;

  for (gint i = 0; i < count; i++)
    layers[i] = candidate_layer (run, candidates[i], image, move_x, move_y);
  *layer = layers[0];
  if (count > 1)
    {
      name   = short_prompt (run, first);
      *layer = canvas_group_new (image, name, layers, count);
      g_free (name);
    }
  g_free (layers);

  g_object_get (run->config, "parameters", &parameters, NULL);
  if (parameters)
    parasite = record_png_text (first);
  inserted = canvas_insert (image, *layer, scene_topmost (run->image, run->beneath), grows ? &growth : NULL, parasite,
                            error);
  if (inserted && image == run->image)
    g_ptr_array_add (run->beneath, *layer);
  g_clear_pointer (&parasite, gimp_parasite_free);

  return inserted;
}

static gboolean
insert_as_image (Run        *run,
                 Candidate **candidates,
                 gint        count,
                 GimpLayer **layer,
                 GimpImage **image,
                 GError    **error)
{
  EditRect  all  = candidates[0]->edit.rect;
  gboolean  made;

  for (gint i = 1; i < count; i++)
    {
      const EditRect *rect   = &candidates[i]->edit.rect;
      gint            right  = MAX (all.x + all.width, rect->x + rect->width);
      gint            bottom = MAX (all.y + all.height, rect->y + rect->height);

      all.x      = MIN (all.x, rect->x);
      all.y      = MIN (all.y, rect->y);
      all.width  = right - all.x;
      all.height = bottom - all.y;
    }
  *image = canvas_image_new (all.width, all.height, NULL);
  gimp_image_undo_disable (*image);
  made = insert_here (run, *image, candidates, count, -all.x, -all.y, FALSE, layer, error);
  gimp_image_undo_enable (*image);
  if (! made)
    gimp_image_delete (*image);

  return made;
}

gboolean
insertion_make (Run        *run,
                Candidate **candidates,
                gint        count,
                GimpLayer **layer,
                GimpImage **image,
                GError    **error)
{
  gint     move_x = 0;
  gint     move_y = 0;
  gboolean grows;

  g_return_val_if_fail (count >= 1, FALSE);

  if (! place_is_there (run, candidates[0], &grows))
    return insert_as_image (run, candidates, count, layer, image, error);

  if (run->mode == EDIT_TEXT_TO_IMAGE)
    {
      move_x = (gimp_image_get_width (run->image) - candidates[0]->edit.rect.width) / 2;
      move_y = (gimp_image_get_height (run->image) - candidates[0]->edit.rect.height) / 2;
    }
  *image = run->image;

  return insert_here (run, run->image, candidates, count, move_x, move_y, grows, layer, error);
}
