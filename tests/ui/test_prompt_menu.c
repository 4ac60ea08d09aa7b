/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The prompt panel's menu of styles and earlier prompts on a screen. */
#include "../test.h"
#include "settings.h"
#include "shown.h"

#include "prompt_panel.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

static gchar *
temporary_store (void)
{
  gchar *folder = g_dir_make_tmp ("prompts-XXXXXX", NULL);
  gchar *store  = g_build_filename (folder, "prompts.ini", NULL);

  g_free (folder);
  return store;
}

static void
remove_store (gchar *store)
{
  gchar *folder = g_path_get_dirname (store);

  g_remove (store);
  CHECK_INT (g_rmdir (folder), 0);
  g_free (folder);
  g_free (store);
}

/* Like a person, tries again when another window still has the pointer. */
static GtkWidget *
open_menu (Shown *shown)
{
  GtkWidget *button = settings_nth (shown->panel, GTK_TYPE_MENU_BUTTON, 0);
  GtkWidget *menu   = GTK_WIDGET (gtk_menu_button_get_popup (GTK_MENU_BUTTON (button)));

  for (gint i = 0; i < 20 && ! gtk_widget_get_mapped (menu); i++)
    {
      if (i > 0)
        settings_wait_long ();
      shown_press (button, GDK_KEY_space, 0);
      settings_wait ();
    }
  CHECK (gtk_widget_get_mapped (menu));
  return menu;
}

/* The n-th item with this label; NULL: there is none. */
static GtkWidget *
find_item (GtkWidget   *menu,
           const gchar *label,
           gint         n)
{
  GList     *items = gtk_container_get_children (GTK_CONTAINER (menu));
  GtkWidget *found = NULL;

  for (GList *item = items; item && ! found; item = item->next)
    if (! g_strcmp0 (gtk_menu_item_get_label (item->data), label) && n-- == 0)
      found = item->data;
  g_list_free (items);
  return found;
}

static void
choose (Shown       *shown,
        const gchar *label,
        gint         n)
{
  GtkWidget *menu = open_menu (shown);
  GtkWidget *item = find_item (menu, label, n);

  if (CHECK (item && gtk_widget_get_sensitive (item)))
    gtk_menu_shell_activate_item (GTK_MENU_SHELL (menu), item, TRUE);
  else
    printf ("     '%s'\n", label);
  settings_wait ();
}

static void
close_menu (GtkWidget *menu)
{
  gtk_menu_shell_deactivate (GTK_MENU_SHELL (menu));
  settings_wait ();
}

static GtkWidget *
style_dialog (void)
{
  GList     *windows = gtk_window_list_toplevels ();
  GtkWidget *found   = NULL;

  for (GList *window = windows; window; window = window->next)
    if (GTK_IS_DIALOG (window->data) && gtk_widget_get_visible (window->data))
      found = window->data;
  g_list_free (windows);
  return found;
}

/* Opens the dialog, checks what it suggests, and saves; `template' may be NULL. */
static void
save_style (Shown       *shown,
            const gchar *suggested,
            const gchar *name,
            const gchar *template)
{
  GtkWidget     *dialog;
  GtkTextBuffer *buffer;
  gchar         *text;

  choose (shown, "_Save as style…", 0);
  dialog = style_dialog ();
  if (! CHECK (dialog))
    return;
  buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (settings_nth (dialog, GTK_TYPE_TEXT_VIEW, 0)));
  g_object_get (buffer, "text", &text, NULL);
  CHECK_STRING (text, suggested);
  g_free (text);
  CHECK (! gtk_widget_get_sensitive (gtk_dialog_get_widget_for_response (
    GTK_DIALOG (dialog), GTK_RESPONSE_ACCEPT)));
  shown_type (settings_nth (dialog, GTK_TYPE_ENTRY, 0), name);
  if (template)
    gtk_text_buffer_set_text (buffer, template, -1);
  CHECK (gtk_widget_get_sensitive (gtk_dialog_get_widget_for_response (
    GTK_DIALOG (dialog), GTK_RESPONSE_ACCEPT)));
  shown_press (settings_nth (dialog, GTK_TYPE_ENTRY, 0), GDK_KEY_Return, 0);
  for (gint i = 0; i < 20 && style_dialog (); i++) /* the button is shown pressed for a while */
    settings_wait_long ();
  CHECK (! style_dialog ());
}

static void
style_is_saved_used_undone_and_deleted (void)
{
  gchar     *store = temporary_store ();
  Shown      shown;
  GtkWidget *menu, *deleting;

  shown_open (&shown, settings_new ("prompt", "oil on canvas"), store);
  menu = open_menu (&shown);
  CHECK (find_item (menu, "(none yet)", 1));
  CHECK (! gtk_widget_get_sensitive (find_item (menu, "_Delete style", 0)));
  CHECK (! gtk_widget_get_sensitive (find_item (menu, "_Forget earlier prompts", 0)));
  close_menu (menu);
  save_style (&shown, "{prompt}, oil on canvas", "Öl_[=%]", NULL);
  g_object_set (shown.settings, "prompt", "a photo of {prompt}", NULL);
  save_style (&shown, "a photo of {prompt}", "photo", NULL);
  save_style (&shown, "a photo of {prompt}", "sharp", "sharp, 8k");
  g_object_set (shown.settings, "prompt", "a cat", NULL);
  choose (&shown, "Öl_[=%]", 0);
  shown_holds (&shown, "a cat, oil on canvas", "");
  shown_undo (shown.view[0]);
  shown_holds (&shown, "a cat", "");
  choose (&shown, "photo", 0);
  shown_holds (&shown, "a photo of a cat", "");
  choose (&shown, "sharp", 0);
  shown_holds (&shown, "a photo of a cat, sharp, 8k", "");

  menu     = open_menu (&shown);
  deleting = gtk_menu_item_get_submenu (GTK_MENU_ITEM (find_item (menu, "_Delete style", 0)));
  gtk_menu_item_activate (GTK_MENU_ITEM (find_item (deleting, "photo", 0)));
  close_menu (menu);
  menu = open_menu (&shown);
  CHECK (! find_item (menu, "photo", 0));
  CHECK (find_item (menu, "sharp", 0) && find_item (menu, "Öl_[=%]", 0));
  close_menu (menu);
  shown_end (&shown);
  remove_store (store);
}

static void
style_dialog_goes_with_the_panel (void)
{
  Shown shown;

  shown_begin (&shown, "");
  choose (&shown, "_Save as style…", 0);
  CHECK (style_dialog ());
  gtk_container_remove (GTK_CONTAINER (shown.window), shown.panel);
  CHECK (! style_dialog ());
  shown_end (&shown);
}

static void
style_that_cannot_be_saved_stays_in_the_dialog (void)
{
  Shown      shown;
  GtkWidget *dialog;

  shown_open (&shown, settings_new ("prompt", "x"), "/nowhere/at/all.ini");
  choose (&shown, "_Save as style…", 0);
  dialog = style_dialog ();
  shown_type (settings_nth (dialog, GTK_TYPE_ENTRY, 0), "n");
  gtk_dialog_response (GTK_DIALOG (dialog), GTK_RESPONSE_ACCEPT);
  CHECK (style_dialog () == dialog);
  gtk_dialog_response (GTK_DIALOG (dialog), GTK_RESPONSE_CANCEL);
  CHECK (! style_dialog ());
  shown_end (&shown);
}

static void
earlier_prompts_come_back_with_their_negatives (void)
{
  gchar     *store = temporary_store ();
  gchar     *wide  = g_strnfill (100, 'w');
  Shown      one, other;
  GtkWidget *menu;

  shown_open (&one, settings_new ("prompt", "a\ncat"), store);
  shown_open (&other, settings_new ("prompt", "a dog"), store);
  prompt_panel_remember (one.panel);
  prompt_panel_remember (other.panel);
  g_object_set (one.settings, "prompt", wide, "negative-prompt", "blur", NULL);
  prompt_panel_remember (one.panel);
  g_object_set (one.settings, "prompt", "", NULL);
  prompt_panel_remember (one.panel); /* nothing */
  choose (&one, "a cat", 0);
  shown_holds (&one, "a\ncat", "");
  choose (&one, "a dog", 0);
  shown_holds (&one, "a dog", "");
  choose (&other, "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww…", 0);
  shown_holds (&other, wide, "blur");
  shown_undo (other.view[0]);
  shown_undo (other.view[1]);
  shown_holds (&other, "a dog", "");
  choose (&other, "_Forget earlier prompts", 0);
  menu = open_menu (&one);
  CHECK (! find_item (menu, "a dog", 0));
  close_menu (menu);
  shown_end (&one);
  shown_end (&other);
  g_free (wide);
  remove_store (store);
}

static void
menu_opens_by_keys (void)
{
  Shown      shown;
  GtkWidget *button, *menu;

  shown_begin (&shown, "x");
  button = settings_nth (shown.panel, GTK_TYPE_MENU_BUTTON, 0);
  CHECK_STRING (atk_object_get_name (gtk_widget_get_accessible (button)),
                "Earlier prompts and styles");
  shown_press (shown.view[0], GDK_KEY_ISO_Left_Tab, GDK_SHIFT_MASK);
  CHECK (gtk_window_get_focus (GTK_WINDOW (shown.window)) == button);
  menu = open_menu (&shown);
  gtk_menu_shell_select_first (GTK_MENU_SHELL (menu), TRUE); /* what can be chosen */
  CHECK (gtk_menu_shell_get_selected_item (GTK_MENU_SHELL (menu)) ==
         find_item (menu, "_Save as style…", 0));
  close_menu (menu);
  shown_end (&shown);
}

int
main (int    argc,
      char **argv)
{
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
  gtk_init (NULL, NULL);
  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", FALSE, NULL);
  test_begin (argc, argv);
  RUN (style_is_saved_used_undone_and_deleted);
  RUN (style_dialog_goes_with_the_panel);
  RUN (style_that_cannot_be_saved_stays_in_the_dialog);
  RUN (earlier_prompts_come_back_with_their_negatives);
  RUN (menu_opens_by_keys);
  return test_end ();
}
