/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "prompt_store.h"

#include "prompt_marks.h"

#include <string.h>

/* [prompts]  1=PROMPT;NEGATIVE;  the last one used; up to MOST_USED
 *            history=PROMPT;PROMPT;…  styles=TEMPLATE;TEMPLATE;…  before there were names
 * [styles]   NAME=TEMPLATE  with all but letters and digits of NAME as %XX */
#define MOST_USED 30
#define USED      "prompts"
#define STYLES    "styles"
#define OLD_USED  "history"

struct PromptStore
{
  gchar    *file; /* NULL: none */
  GKeyFile *kept;
};

PromptStore *
prompt_store_new (const gchar *file)
{
  PromptStore *store = g_new0 (PromptStore, 1);

  store->file = g_strdup (file);
  store->kept = g_key_file_new ();
  return store;
}

void
prompt_store_free (PromptStore *store)
{
  if (! store)
    return;
  g_free (store->file);
  g_key_file_free (store->kept);
  g_free (store);
}

static void
read_again (PromptStore *store)
{
  GKeyFile *fresh;

  if (! store->file)
    return;
  fresh = g_key_file_new ();
  if (! g_key_file_load_from_file (fresh, store->file, G_KEY_FILE_KEEP_COMMENTS, NULL))
    {
      g_key_file_free (fresh); /* it may hold the part before the damage */
      fresh = g_key_file_new ();
    }
  g_key_file_free (store->kept);
  store->kept = fresh;
}

static gboolean
write_back (PromptStore *store,
            GError     **error)
{
  GError *why = NULL;

  if (! store->file || g_key_file_save_to_file (store->kept, store->file, &why))
    return TRUE;
  g_info ("%s", why->message);
  g_propagate_error (error, why);
  return FALSE;
}

/* ---- prompts that were used ----------------------------------------------- */

static void
used_free (gpointer data)
{
  PromptUsed *used = data;

  g_free (used->prompt);
  g_free (used->negative);
  g_free (used);
}

static void
add_used (GPtrArray   *list,
          const gchar *prompt,
          const gchar *negative)
{
  PromptUsed *used = g_new (PromptUsed, 1);

  used->prompt   = g_strdup (prompt);
  used->negative = g_strdup (negative);
  g_ptr_array_add (list, used);
}

static GPtrArray *
read_used (PromptStore *store)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (used_free);
  gchar    **strings;

  for (guint i = 1; i <= MOST_USED; i++)
    {
      gchar *key = g_strdup_printf ("%u", i);

      strings = g_key_file_get_string_list (store->kept, USED, key, NULL, NULL);
      if (strings && strings[0] && *strings[0])
        add_used (list, strings[0], strings[1] ? strings[1] : "");
      g_strfreev (strings);
      g_free (key);
    }
  strings = g_key_file_get_string_list (store->kept, USED, OLD_USED, NULL, NULL);
  for (guint i = 0; strings && strings[i] && list->len < MOST_USED; i++)
    if (*strings[i])
      add_used (list, strings[i], "");
  g_strfreev (strings);
  return list;
}

static void
forget_used (PromptStore *store)
{
  for (guint i = 1; i <= MOST_USED; i++)
    {
      gchar *key = g_strdup_printf ("%u", i);

      g_key_file_remove_key (store->kept, USED, key, NULL);
      g_free (key);
    }
  g_key_file_remove_key (store->kept, USED, OLD_USED, NULL);
}

GPtrArray *
prompt_store_list_used (PromptStore *store)
{
  read_again (store);
  return read_used (store);
}

static void
set_used (PromptStore *store,
          guint        number,
          const gchar *prompt,
          const gchar *negative)
{
  const gchar *strings[] = { prompt, negative };
  gchar       *key       = g_strdup_printf ("%u", number);

  g_key_file_set_string_list (store->kept, USED, key, strings, G_N_ELEMENTS (strings));
  g_free (key);
}

void
prompt_store_add_used (PromptStore *store,
                       const gchar *prompt,
                       const gchar *negative)
{
  GPtrArray *list;
  guint      number = 1;

  read_again (store);
  list = read_used (store);
  forget_used (store);
  set_used (store, number++, prompt, negative);
  for (guint i = 0; i < list->len && number <= MOST_USED; i++)
    {
      PromptUsed *used = list->pdata[i];

      if (strcmp (used->prompt, prompt) || strcmp (used->negative, negative))
        set_used (store, number++, used->prompt, used->negative);
    }
  g_ptr_array_unref (list);
  write_back (store, NULL);
}

void
prompt_store_forget_used (PromptStore *store)
{
  read_again (store);
  forget_used (store);
  write_back (store, NULL);
}

/* ---- styles --------------------------------------------------------------- */

static void
style_free (gpointer data)
{
  PromptStyle *style = data;

  g_free (style->name);
  g_free (style->template);
  g_free (style);
}

static void
set_style (PromptStore *store,
           const gchar *name,
           const gchar *template)
{
  gchar *key = g_uri_escape_string (name, NULL, FALSE);

  g_key_file_set_string (store->kept, STYLES, key, template);
  g_free (key);
}

/* Gives styles of before there were names their text as a name. */
static void
name_old_styles (PromptStore *store)
{
  gchar **old = g_key_file_get_string_list (store->kept, USED, STYLES, NULL, NULL);

  for (guint i = 0; old && old[i]; i++)
    {
      gchar *key = g_uri_escape_string (old[i], NULL, FALSE);

      if (*key && ! g_key_file_has_key (store->kept, STYLES, key, NULL))
        g_key_file_set_string (store->kept, STYLES, key, old[i]);
      g_free (key);
    }
  g_strfreev (old);
  g_key_file_remove_key (store->kept, USED, STYLES, NULL);
}

static gint
by_name (gconstpointer a,
         gconstpointer b)
{
  const PromptStyle *first = *(PromptStyle *const *) a, *second = *(PromptStyle *const *) b;
  gint               order = g_utf8_collate (first->name, second->name);

  return order ? order : strcmp (first->name, second->name);
}

GPtrArray *
prompt_store_list_styles (PromptStore *store)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (style_free);
  gchar    **keys;

  read_again (store);
  name_old_styles (store);
  keys = g_key_file_get_keys (store->kept, STYLES, NULL, NULL);
  for (guint i = 0; keys && keys[i]; i++)
    {
      gchar       *name     = g_uri_unescape_string (keys[i], NULL);
      gchar       *template = g_key_file_get_string (store->kept, STYLES, keys[i], NULL);
      PromptStyle *style;

      if (! name || ! *name || ! template || ! g_utf8_validate (name, -1, NULL))
        {
          g_free (name);
          g_free (template);
          continue;
        }
      style           = g_new (PromptStyle, 1);
      style->name     = name;
      style->template = template;
      g_ptr_array_add (list, style);
    }
  g_strfreev (keys);
  g_ptr_array_sort (list, by_name);
  return list;
}

gboolean
prompt_store_save_style (PromptStore *store,
                         const gchar *name,
                         const gchar *template,
                         GError     **error)
{
  read_again (store);
  name_old_styles (store);
  set_style (store, name, template);
  return write_back (store, error);
}

void
prompt_store_delete_style (PromptStore *store,
                           const gchar *name)
{
  gchar **keys;

  read_again (store);
  name_old_styles (store);
  keys = g_key_file_get_keys (store->kept, STYLES, NULL, NULL);
  for (guint i = 0; keys && keys[i]; i++) /* the file may write the same name in another way */
    {
      gchar *other = g_uri_unescape_string (keys[i], NULL);

      if (! g_strcmp0 (other, name))
        g_key_file_remove_key (store->kept, STYLES, keys[i], NULL);
      g_free (other);
    }
  g_strfreev (keys);
  write_back (store, NULL);
}

gchar *
prompt_store_apply_style (const gchar *template,
                          const gchar *prompt)
{
  PromptMarks marks;
  gchar      *text, *result;

  prompt_marks_read (&marks, prompt);
  text = g_strconcat (prompt, prompt_marks_end_in_comment (&marks) ? "\n" : "", NULL);
  prompt_marks_clear (&marks);
  if (strstr (template, "{prompt}"))
    {
      gchar **parts = g_strsplit (template, "{prompt}", -1);

      result = g_strjoinv (text, parts);
      g_strfreev (parts);
    }
  else
    {
      result = g_strconcat (text, *text ? ", " : "", template, NULL);
    }
  g_free (text);
  return result;
}
