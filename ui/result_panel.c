/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "result_panel.h"

#include "ui_intl.h"

typedef struct
{
  ResultPanelHooks  hooks;
  gpointer          user;
  GtkWidget        *flow, *empty, *bar;
  GtkWidget        *stack;                   /* of "results" and "page" */
  GtkWidget        *insert, *insert_all, *use_settings, *discard;
} ResultPanel;

static ResultPanel *
panel_of (GtkWidget *panel)
{
  return g_object_get_data (G_OBJECT (panel), "result-panel");
}

static gpointer
result_of (GtkFlowBoxChild *child)
{
  return g_object_get_data (G_OBJECT (child), "result");
}

static GtkFlowBoxChild *
chosen_child (ResultPanel *self)
{
  GList           *chosen = gtk_flow_box_get_selected_children (GTK_FLOW_BOX (self->flow));
  GtkFlowBoxChild *child  = chosen ? chosen->data : NULL;

  g_list_free (chosen);
  return child;
}

static void
update (ResultPanel *self)
{
  gboolean chosen = chosen_child (self) != NULL;
  GList   *all    = gtk_container_get_children (GTK_CONTAINER (self->flow));
  gboolean open   = FALSE;

  for (GList *child = all; child; child = child->next)
    open |= g_object_get_data (child->data, "inserted") == NULL;
  gtk_widget_set_sensitive (self->insert, chosen);
  gtk_widget_set_sensitive (self->use_settings, chosen);
  gtk_widget_set_sensitive (self->discard, chosen);
  gtk_widget_set_sensitive (self->insert_all, open);
  gtk_widget_set_visible (self->empty, all == NULL);
  g_list_free (all);
}

static void
selected_cb (GtkFlowBox  *flow,
             ResultPanel *self)
{
  GtkFlowBoxChild *child = chosen_child (self);

  (void) flow;
  update (self);
  self->hooks.chosen (child ? result_of (child) : NULL, self->user);
}

/* A click on the chosen one shows it again. */
static gboolean
pressed_cb (GtkWidget      *child,
            GdkEventButton *event,
            ResultPanel    *self)
{
  (void) event;
  if (gtk_flow_box_child_is_selected (GTK_FLOW_BOX_CHILD (child)))
    self->hooks.chosen (result_of (GTK_FLOW_BOX_CHILD (child)), self->user);
  return FALSE;
}

static void
activated_cb (GtkFlowBox      *flow,
              GtkFlowBoxChild *child,
              ResultPanel     *self)
{
  (void) flow;
  self->hooks.insert (result_of (child), self->user);
}

static void
insert_cb (GtkButton   *button,
           ResultPanel *self)
{
  GtkFlowBoxChild *child = chosen_child (self);

  (void) button;
  if (child)
    self->hooks.insert (result_of (child), self->user);
}

static void
insert_all_cb (GtkButton   *button,
               ResultPanel *self)
{
  (void) button;
  self->hooks.insert_all (self->user);
}

static void
use_settings_cb (GtkButton   *button,
                 ResultPanel *self)
{
  GtkFlowBoxChild *child = chosen_child (self);

  (void) button;
  if (child)
    self->hooks.use_settings (result_of (child), self->user);
}

static void
discard_cb (GtkButton   *button,
            ResultPanel *self)
{
  GtkFlowBoxChild *child = chosen_child (self);
  gpointer         result;
  gint             index;

  (void) button;
  if (! child)
    return;
  result = result_of (child);
  index  = gtk_flow_box_child_get_index (child);
  self->hooks.chosen (NULL, self->user);
  gtk_widget_destroy (GTK_WIDGET (child));
  self->hooks.discarded (result, self->user);
  child = gtk_flow_box_get_child_at_index (GTK_FLOW_BOX (self->flow), index);
  if (! child && index > 0)
    child = gtk_flow_box_get_child_at_index (GTK_FLOW_BOX (self->flow), index - 1);
  if (child)
    {
      gtk_flow_box_select_child (GTK_FLOW_BOX (self->flow), child);
      gtk_widget_grab_focus (GTK_WIDGET (child));
    }
  update (self);
}

static gboolean
key_cb (GtkWidget   *flow,
        GdkEventKey *event,
        ResultPanel *self)
{
  (void) flow;
  if (event->keyval != GDK_KEY_Delete && event->keyval != GDK_KEY_KP_Delete)
    return FALSE;
  discard_cb (NULL, self);
  return TRUE;
}

static GtkWidget *
action (GtkWidget   *box,
        const gchar *label,
        const gchar *tooltip,
        GCallback    clicked,
        ResultPanel *self)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  gtk_widget_set_tooltip_text (button, tooltip);
  g_signal_connect (button, "clicked", clicked, self);
  gtk_container_add (GTK_CONTAINER (box), button);
  return button;
}

GtkWidget *
result_panel_new (const ResultPanelHooks *hooks,
                  gpointer                user)
{
  ResultPanel *self   = g_new0 (ResultPanel, 1);
  GtkWidget   *panel  = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget   *scroll = gtk_scrolled_window_new (NULL, NULL);
  GtkWidget   *over   = gtk_overlay_new ();
  GtkWidget   *row    = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  self->hooks = *hooks;
  self->user  = user;
  g_object_set_data_full (G_OBJECT (panel), "result-panel", self, g_free);

  self->bar = gtk_progress_bar_new ();
  gtk_progress_bar_set_show_text (GTK_PROGRESS_BAR (self->bar), TRUE);
  gtk_progress_bar_set_ellipsize (GTK_PROGRESS_BAR (self->bar), PANGO_ELLIPSIZE_END);

  atk_object_set_name (gtk_widget_get_accessible (self->bar), _("Progress"));

  self->flow = gtk_flow_box_new ();
  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (self->flow), GTK_SELECTION_SINGLE);
  gtk_flow_box_set_activate_on_single_click (GTK_FLOW_BOX (self->flow), FALSE);
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (self->flow), 20);
  gtk_widget_set_valign (self->flow, GTK_ALIGN_START);
  atk_object_set_name (gtk_widget_get_accessible (self->flow), _("Results"));
  g_signal_connect (self->flow, "selected-children-changed", G_CALLBACK (selected_cb), self);
  g_signal_connect (self->flow, "child-activated", G_CALLBACK (activated_cb), self);
  g_signal_connect (self->flow, "key-press-event", G_CALLBACK (key_cb), self);

  self->empty = gtk_label_new (_("Results collect here."));
  gtk_style_context_add_class (gtk_widget_get_style_context (self->empty), "dim-label");
  gtk_widget_set_no_show_all (self->empty, TRUE);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroll), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_shadow_type (GTK_SCROLLED_WINDOW (scroll), GTK_SHADOW_IN);
  gtk_widget_set_size_request (scroll, -1, 140);
  gtk_container_add (GTK_CONTAINER (scroll), self->flow);
  gtk_container_add (GTK_CONTAINER (over), scroll);
  gtk_overlay_add_overlay (GTK_OVERLAY (over), self->empty);
  gtk_overlay_set_overlay_pass_through (GTK_OVERLAY (over), self->empty, TRUE);

  self->insert = action (row, _("_Insert as layer"),
                         _("Puts the chosen result into the image, as a new layer"),
                         G_CALLBACK (insert_cb), self);
  self->insert_all = action (row, _("Insert _all"),
                             _("Puts all results that are not inserted yet into a layer group, one "
                               "visible"),
                             G_CALLBACK (insert_all_cb), self);
  self->use_settings = action (row, _("_Use its settings"),
                               _("Takes prompt, seed and settings of the chosen result"),
                               G_CALLBACK (use_settings_cb), self);
  self->discard = action (row, _("_Discard"), _("Forgets the chosen result"),
                          G_CALLBACK (discard_cb), self);

  gtk_box_pack_start (GTK_BOX (panel), self->bar, FALSE, FALSE, 0);
  self->stack = gtk_stack_new ();
  gtk_stack_set_hhomogeneous (GTK_STACK (self->stack), FALSE);
  gtk_widget_show_all (over); /* the stack shows the first child that can be seen */
  gtk_stack_add_named (GTK_STACK (self->stack), over, "results");
  gtk_box_pack_start (GTK_BOX (panel), self->stack, FALSE, TRUE, 0);
  gtk_box_pack_start (GTK_BOX (panel), row, FALSE, FALSE, 0);
  update (self);
  return panel;
}

void
result_panel_add (GtkWidget   *panel,
                  gpointer     result,
                  GdkPixbuf   *thumbnail,
                  const gchar *caption,
                  const gchar *tooltip)
{
  ResultPanel *self  = panel_of (panel);
  GtkWidget   *child = gtk_flow_box_child_new ();
  GtkWidget   *box   = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget   *label = gtk_label_new (caption);

  gtk_style_context_add_class (gtk_widget_get_style_context (label), "dim-label");
  gtk_box_pack_start (GTK_BOX (box), gtk_image_new_from_pixbuf (thumbnail), FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), label, FALSE, FALSE, 0);
  gtk_container_add (GTK_CONTAINER (child), box);
  g_object_set_data (G_OBJECT (child), "result", result);
  g_object_set_data (G_OBJECT (child), "caption", label);
  g_object_set_data_full (G_OBJECT (child), "text", g_strdup (caption), g_free);
  atk_object_set_name (gtk_widget_get_accessible (child), caption);
  gtk_widget_set_tooltip_text (child, tooltip);
  gtk_widget_add_events (child, GDK_BUTTON_PRESS_MASK);
  g_signal_connect (child, "button-press-event", G_CALLBACK (pressed_cb), self);
  gtk_container_add (GTK_CONTAINER (self->flow), child);
  gtk_widget_show_all (child);
  result_panel_show_page (panel, FALSE);
  gtk_flow_box_select_child (GTK_FLOW_BOX (self->flow), GTK_FLOW_BOX_CHILD (child));
  update (self);
}

static GtkFlowBoxChild *
find (ResultPanel *self,
      gpointer     result)
{
  GtkFlowBoxChild *found    = NULL;
  GList           *children = gtk_container_get_children (GTK_CONTAINER (self->flow));

  for (GList *child = children; child && ! found; child = child->next)
    if (result_of (child->data) == result)
      found = child->data;
  g_list_free (children);
  return found;
}

void
result_panel_set_inserted (GtkWidget *panel,
                           gpointer   result,
                           gboolean   inserted)
{
  GtkFlowBoxChild *child = find (panel_of (panel), result);
  GtkLabel        *label;
  gchar           *text;

  if (! child || (g_object_get_data (G_OBJECT (child), "inserted") != NULL) == inserted)
    return;
  label = g_object_get_data (G_OBJECT (child), "caption");
  text  = g_strconcat (inserted ? "✓ " : "", g_object_get_data (G_OBJECT (child), "text"),
                       NULL);
  gtk_label_set_text (label, text);
  g_object_set_data (G_OBJECT (child), "inserted", inserted ? label : NULL);
  update (panel_of (panel));
  g_free (text);
}

GList *
result_panel_list (GtkWidget *panel)
{
  GList *children = gtk_container_get_children (GTK_CONTAINER (panel_of (panel)->flow));

  for (GList *child = children; child; child = child->next)
    child->data = result_of (child->data);
  return children;
}

guint
result_panel_count (GtkWidget *panel)
{
  GList *children = gtk_container_get_children (GTK_CONTAINER (panel_of (panel)->flow));
  guint  count    = g_list_length (children);

  g_list_free (children);
  return count;
}

gpointer
result_panel_chosen (GtkWidget *panel)
{
  GtkFlowBoxChild *child = chosen_child (panel_of (panel));

  return child ? result_of (child) : NULL;
}

guint
result_panel_count_open (GtkWidget *panel)
{
  guint  count    = 0;
  GList *children = gtk_container_get_children (GTK_CONTAINER (panel_of (panel)->flow));

  for (GList *child = children; child; child = child->next)
    count += g_object_get_data (child->data, "inserted") == NULL;
  g_list_free (children);
  return count;
}

void
result_panel_clear (GtkWidget *panel)
{
  ResultPanel *self     = panel_of (panel);
  GList       *children = gtk_container_get_children (GTK_CONTAINER (self->flow));

  g_signal_handlers_block_by_func (self->flow, selected_cb, self);
  for (GList *child = children; child; child = child->next)
    {
      gpointer result = result_of (child->data);

      gtk_widget_destroy (child->data);
      self->hooks.discarded (result, self->user);
    }
  g_list_free (children);
  g_signal_handlers_unblock_by_func (self->flow, selected_cb, self);
  update (self);
}

void
result_panel_set_page (GtkWidget *panel,
                       GtkWidget *page)
{
  gtk_stack_add_named (GTK_STACK (panel_of (panel)->stack), page, "page");
  gtk_widget_show_all (page);
}

gboolean
result_panel_shows_page (GtkWidget *panel)
{
  return g_strcmp0 (gtk_stack_get_visible_child_name (GTK_STACK (panel_of (panel)->stack)),
                    "page") == 0;
}

void
result_panel_show_page (GtkWidget *panel,
                        gboolean   shown)
{
  GtkStack *stack = GTK_STACK (panel_of (panel)->stack);

  if (! shown || gtk_stack_get_child_by_name (stack, "page"))
    gtk_stack_set_visible_child_name (stack, shown ? "page" : "results");
}

void
result_panel_set_progress (GtkWidget   *panel,
                           gdouble      fraction,
                           const gchar *text)
{
  GtkProgressBar *bar = GTK_PROGRESS_BAR (panel_of (panel)->bar);

  gtk_progress_bar_set_fraction (bar, CLAMP (fraction, 0, 1));
  gtk_progress_bar_set_text (bar, text);
  atk_object_set_description (gtk_widget_get_accessible (GTK_WIDGET (bar)), text);
}
