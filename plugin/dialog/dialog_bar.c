/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "dialog_bar.h"

#include "intl.h"

#define RESPONSE_ACT 1

typedef struct
{
  GtkWidget *text, *button;
  gchar     *dismissed;      /* the sentence that the user closed, or NULL */
  void    (* act) (gpointer user);
  gpointer   user;
} DialogBar;

static DialogBar *
bar_of (GtkWidget *bar)
{
  return g_object_get_data (G_OBJECT (bar), "dialog-bar");
}

static void
bar_free (DialogBar *self)
{
  g_free (self->dismissed);
  g_free (self);
}

static void
response_cb (GtkInfoBar *bar,
             gint        response,
             DialogBar  *self)
{
  if (response == RESPONSE_ACT && self->act)
    self->act (self->user);
  else
    {
      g_free (self->dismissed);
      self->dismissed = g_strdup (gtk_label_get_text (GTK_LABEL (self->text)));
      gtk_widget_hide (GTK_WIDGET (bar));
    }
}

GtkWidget *
dialog_bar_new (void)
{
  DialogBar *self = g_new0 (DialogBar, 1);
  GtkWidget *bar  = gtk_info_bar_new ();
  GtkWidget *area = gtk_info_bar_get_content_area (GTK_INFO_BAR (bar));

  g_object_set_data_full (G_OBJECT (bar), "dialog-bar", self,
                          (GDestroyNotify) bar_free);
  self->text = gtk_label_new (NULL);
  gtk_label_set_line_wrap (GTK_LABEL (self->text), TRUE);
  gtk_label_set_line_wrap_mode (GTK_LABEL (self->text), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (GTK_LABEL (self->text), 0.0);
  gtk_label_set_selectable (GTK_LABEL (self->text), TRUE);
  gtk_widget_set_can_focus (self->text, FALSE);
  gtk_container_add (GTK_CONTAINER (area), self->text);
  self->button = gtk_info_bar_add_button (GTK_INFO_BAR (bar), "", RESPONSE_ACT);
  gtk_button_set_use_underline (GTK_BUTTON (self->button), TRUE);
  gtk_info_bar_set_show_close_button (GTK_INFO_BAR (bar), TRUE);
  gtk_widget_show (self->text);
  gtk_widget_set_no_show_all (bar, TRUE);
  g_signal_connect (bar, "response", G_CALLBACK (response_cb), self);
  return bar;
}

void
dialog_bar_say (GtkWidget       *bar,
                GtkMessageType   type,
                const gchar     *text,
                const gchar     *button,
                void          (* act) (gpointer user),
                gpointer         user)
{
  DialogBar *self = bar_of (bar);

  self->act  = act;
  self->user = user;
  if (text)
    {
      gtk_info_bar_set_message_type (GTK_INFO_BAR (bar), type);
      gtk_label_set_text (GTK_LABEL (self->text), text);
      gtk_button_set_label (GTK_BUTTON (self->button), button ? button : "");
      gtk_widget_set_visible (self->button, button != NULL);
    }
  if (! text)
    g_clear_pointer (&self->dismissed, g_free);
  gtk_widget_set_visible (bar, text && (type == GTK_MESSAGE_ERROR ||
                                        g_strcmp0 (text, self->dismissed)));
}
