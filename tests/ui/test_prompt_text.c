/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weights, marks and the store of the prompt panel, without a screen. */
#include "../engine/text_help.h"
#include "../test.h"
#include "base/prompt_schedule.h"
#include "text/prompt.h"
#include "text/prompt_weights.h"

#include "prompt_marks.h"
#include "prompt_store.h"
#include "prompt_weight.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- weights --------------------------------------------------------------- */

/* In `before' and `want' the text stands between | and |, or the cursor at |. */
static void
changes (const gchar *before,
         gdouble      change,
         const gchar *want)
{
  gchar  *first = strchr (before, '|'), *second = strchr (first + 1, '|');
  gsize   start = (gsize) (first - before);
  gsize   end   = second ? (gsize) (second - before) - 1 : start;
  gchar **parts = g_strsplit (before, "|", -1);
  gchar  *text  = g_strjoinv ("", parts);
  gchar  *got   = prompt_weight_change (text, change, &start, &end);

  if (got)
    {
      GString *shown = g_string_new (got);

      if (CHECK (start <= end && end <= strlen (got)))
        {
          if (second)
            g_string_insert (shown, (gssize) end, "|");
          g_string_insert (shown, (gssize) start, "|");
        }
      CHECK_STRING (shown->str, want);
      g_string_free (shown, TRUE);
    }
  else
    {
      CHECK_STRING (NULL, want);
    }
  g_free (got);
  g_free (text);
  g_strfreev (parts);
}

static void
weight_of_the_word_at_the_cursor_changes (void)
{
  changes ("a r|ed apple", 0.1, "a (r|ed:1.1) apple");
  changes ("a (r|ed:1.1) apple", 0.1, "a (r|ed:1.2) apple");
  changes ("a (r|ed:1.1) apple", -0.1, "a r|ed apple");
  changes ("a |red apple", -0.1, "a (|red:0.9) apple");
  changes ("a (re|d) apple", 0.1, "a (re|d:1.2) apple");
  changes ("grüne |Äpfel", 0.1, "grüne (|Äpfel:1.1)");
  changes ("a |(red:2)", 0.1, "a (|red:2.1)");
  changes ("red|(blue:2)", 0.1, "(red:1.1)|(blue:2)");
  changes ("mi|ku_\\(singer\\), x", 0.1, "(mi|ku_\\(singer\\):1.1), x");
  changes ("(a (b|:2):3)", 0.1, "(a (b|:2.1):3)");
  changes ("(a (b:2) c|:3)", 0.1, "(a (b:2) c|:3.1)");
}

static void
weight_of_the_word_before_the_cursor_changes (void)
{
  changes ("a red|", 0.1, "a (red:1.1)|");
  changes ("a (red:1.1)|", 0.1, "a (red:1.2)|");
  changes ("a (red:1.1)|", -0.1, "a red|");
  changes ("a red|, apple", -0.1, "a (red:0.9)|, apple");
}

static void
nothing_weighable_is_left_alone (void)
{
  changes ("|", 0.1, NULL);
  changes ("a  |  b", 0.1, NULL);
  changes ("a |  | b", 0.1, NULL);
  changes ("a # re|d", 0.1, NULL);
  changes ("a # red|", 0.1, NULL);
  changes ("|a # red|", 0.1, NULL);
}

static void
selection_gets_a_weight_and_stays (void)
{
  changes ("a |red apple| here", 0.1, "a (|red apple|:1.1) here");
  changes ("a (|red apple|:1.1) here", 0.1, "a (|red apple|:1.2) here");
  changes ("a |(red apple:1.1)| here", 0.1, "a (|red apple|:1.2) here");
  changes ("a (|red apple|:1.1) here", -0.1, "a |red apple| here");
  changes ("a |red | here", 0.1, "a (|red|:1.1)  here");
  changes ("(a |b| c:2)", 0.1, "(a (|b|:1.1) c:2)");
  changes ("|x (a| b:2) c", 0.1, "(|x (a b:2)|:1.1) c");
  changes ("(a b|:2| )", 0.1, "(|a b|:2.1)");
  changes ("|ä # n\nö|", 0.1, "(|ä # n\nö|:1.1)");
}

static void
weights_stay_in_their_range (void)
{
  changes ("(a|:9.95)", 0.1, "(a|:10)");
  changes ("(a|:0.05)", -0.1, "(a|:0)");
  changes ("(a|:0)", 0.1, "(a|:0.1)");
  changes ("(a|:0)", -0.1, "(a|:0)");
  changes ("(a|:-2)", 0.1, "(a|:-1.9)");
  changes ("(a|:50)", -0.1, "(a|:49.9)");
  changes ("(a|:1.25)", 0.1, "(a|:1.35)");
}

/* A weight for each passage of the text, outermost first. */
static void
weighs (const gchar   *text,
        guint          count,
        const gdouble *want)
{
  GArray *weights = prompt_weights (text);

  if (! CHECK_INT (weights->len, count))
    test_check_string (text, "", __FILE__, __LINE__);
  else
    for (guint i = 0; i < count; i++)
      CHECK (ABS (g_array_index (weights, PromptWeight, i).weight - want[i]) < 1e-9);
  g_array_free (weights, TRUE);
}

static void
weights_of_nested_brackets_multiply (void)
{
  weighs ("((a:2) b) [c] \\(d\\) (e", 3, (gdouble[]) { 1.1, 2.2, 1 / 1.1 });
  weighs ("(((a:2):3):4) (b:5)", 4, (gdouble[]) { 4, 12, 24, 5 });
  weighs ("(a:0) (b:-1)", 2, (gdouble[]) { 0, -1 });
}

static void
weights_are_read_as_the_engine_reads_them (void)
{
  weighs ("(a: 1.5 )", 1, (gdouble[]) { 1.5 });
  weighs ("(a:1.2.3) (b:1e5) (c:x)", 3, (gdouble[]) { 1.1, 1.1, 1.1 });
  weighs ("(a\\:1.5)", 1, (gdouble[]) { 1.5 });
  weighs ("(a:1.5 # strong (\n)", 1, (gdouble[]) { 1.5 });
  weighs ("# (a:2)\n(b:3)", 1, (gdouble[]) { 3 });
  weighs ("\\# (a:2)", 1, (gdouble[]) { 2 });
  weighs ("[a:b:0.5] [c|d] [e:5] [f]", 1, (gdouble[]) { 1 / 1.1 });
  weighs ("[{c|d}]", 1, (gdouble[]) { 1 / 1.1 });
  weighs ("(a [b) c", 1, (gdouble[]) { 1.1 });
  weighs (") ] :1.2) (", 0, NULL);
}

/* ---- marks ----------------------------------------------------------------- */

/* "S2-5" for each mark: S stronger, W weaker, C choice, # comment. */
static void
marked (const gchar *text,
        const gchar *want)
{
  GString    *got = g_string_new (NULL);
  PromptMarks marks;

  prompt_marks_read (&marks, text);
  for (guint kind = 0; kind < PROMPT_MARK_KINDS; kind++)
    for (guint i = 0; i < marks.of[kind]->len; i++)
      {
        PromptMark *mark = &g_array_index (marks.of[kind], PromptMark, i);

        g_string_append_printf (got, "%s%c%d-%d", got->len ? " " : "", "SWC#"[kind], mark->from,
                                mark->to);
      }
  CHECK_STRING (got->str, want);
  CHECK_INT (marks.length, g_utf8_strlen (text, -1));
  prompt_marks_clear (&marks);
  g_string_free (got, TRUE);
}

static void
marks_stand_at_characters (void)
{
  marked ("", "");
  marked ("plain", "");
  marked ("ä (ö:1.3) [ü]", "S2-9 W10-13");
  marked ("{ä|ö} # ñ\n🌻 (b:2)", "S12-17 C0-5 #6-9");
  marked ("(a:1)", "");
}

static void
innermost_weight_is_the_one_that_shows (void)
{
  marked ("(a (b:0.5) c:1.5)", "S0-3 S10-17 W3-10");
  marked ("[a (b:3) c]", "S3-8 W0-3 W8-11");
  marked ("(a (b:2) c)", "S0-11");
  marked ("(a [b) c] [d]", "S0-3 W6-9 W10-13");
  marked ("(a (b:0.5) c:2)", "S0-3 S10-15");
}

static void
comments_hold_nothing_else (void)
{
  marked ("a # (b:2) {c|d}", "#2-15");
  marked ("a \\# (b:2)", "S5-10");
  marked ("(a # c\nb:2)", "S0-3 S6-11 #3-6");
  marked ("# a\n# b", "#0-3 #4-7");
  marked ("{a # x|y}\n|b}", "C0-3 C9-13 #3-9");
  marked ("{a # x|y}\n", "#3-9");
  marked ("\\\\# a", "#2-5");
}

static void
choices_need_a_bar_and_a_brace (void)
{
  marked ("{a} {b|c", "");
  marked ("{a|{b|c}} \\{d|e\\}", "C0-9");
  marked ("{a{b|c}", "C2-7");
  marked ("{[a|b]}", "");
  marked ("{[a|b}", "W1-6"); /* no choice, so no end of the [ either */
  marked ("{a|(b:2)}", "S3-8 C0-9");
}

static void
marks_in_a_line_are_limited (void)
{
  GString    *text = g_string_new (NULL);
  PromptMarks marks;

  for (gint i = 0; i < 600; i++)
    g_string_append (text, "(b:2) {c|d}");
  g_string_append (text, "# comment\n(b:2)");
  prompt_marks_read (&marks, text->str);
  CHECK_INT (marks.of[PROMPT_MARK_STRONGER]->len, PROMPT_MARKS_IN_LINE / 2 + 1);
  CHECK_INT (marks.of[PROMPT_MARK_CHOICE]->len, PROMPT_MARKS_IN_LINE / 2);
  CHECK_INT (marks.of[PROMPT_MARK_COMMENT]->len, 1);
  prompt_marks_clear (&marks);
  g_string_free (text, TRUE);
}

/* For `bytes' of pieces and what closes their first bracket; the shortest of a few runs, so that what
 * else runs on the machine does not count. */
static gdouble
milliseconds (const gchar *piece,
              gsize        bytes)
{
  GString *text   = g_string_new (NULL);
  gchar    closes = *piece == '(' ? ')' : *piece == '[' ? ']' : *piece == '{' ? '}' : '\n';
  gdouble  best   = G_MAXDOUBLE;

  while (text->len < bytes)
    g_string_append (text, piece);
  while (text->len < 2 * bytes)
    g_string_append_c (text, closes);
  for (gint run = 0; run < 5; run++)
    {
      gint64      begin = g_get_monotonic_time ();
      PromptMarks marks;

      prompt_marks_read (&marks, text->str);
      prompt_marks_clear (&marks);
      best = MIN (best, (gdouble) (g_get_monotonic_time () - begin) / 1000);
    }
  g_string_free (text, TRUE);
  return best;
}

static void
marks_take_time_in_proportion (void)
{
  static const gchar *const pieces[] = { "(ä:1.2) ", "(", "[", "{a|", "{", "(((a:2):2):2) ", ":1 ",
                                         "[a:", "# x\n", "\\(", "([", "{[", ": # " };

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      gdouble small = milliseconds (pieces[i], 5000), large = milliseconds (pieces[i], 50000);

      printf ("     %.2f ms for 10 KB, %.2f ms for 100 KB of '%.14s'\n", small, large,
              *pieces[i] == '#' ? "# comment" : pieces[i]);
      CHECK (large < 40 * small + 2); /* if it were quadratic: 100 times, and far more than that */
    }
}

/* ---- marks and the engine -------------------------------------------------- */

/* A letter that the grammar does not know and no prompt has: it stands where the engine is asked. */
#define STAND_IN "\xee\x80\x80"

/* What the engine makes of STAND_IN in a text without comments and choices, at its first step with it. */
static gboolean
find_weight (const gchar *text,
             gdouble     *weight)
{
  gsize          bytes    = strlen (text);
  gchar         *left     = g_malloc (bytes + 1);
  PromptSchedule schedule = { 0 };
  gboolean       found    = FALSE;

  CHECK (prompt_schedule_parse (&schedule, text, bytes, 4));
  for (gint i = 0; i < schedule.end_count && ! found; i++)
    {
      WeightedText weighted = { 0 };
      gsize        length   = prompt_schedule_text (&schedule, schedule.ends[i], left);

      CHECK (weighted_text_parse (&weighted, left, length));
      for (gsize k = 0; k < weighted.count; k++)
        {
          WeightedSpan *span = &weighted.spans[k];

          if (! memmem (weighted.text + span->begin, span->end - span->begin, STAND_IN, 3))
            continue;
          *weight = span->weight;
          found   = TRUE;
        }
      weighted_text_clear (&weighted);
    }
  prompt_schedule_clear (&schedule);
  g_free (left);
  return found;
}

/* "S", "W" or "": how the character is marked. */
static const gchar *
mark_of (const gchar *text,
         gint         character)
{
  static const gchar *const names[] = { "S", "W" };
  const gchar              *name = "";
  PromptMarks               marks;

  prompt_marks_read (&marks, text);
  for (guint kind = PROMPT_MARK_STRONGER; kind <= PROMPT_MARK_WEAKER; kind++)
    for (guint i = 0; i < marks.of[kind]->len; i++)
      {
        PromptMark *mark = &g_array_index (marks.of[kind], PromptMark, i);

        if (mark->from <= character && character < mark->to)
          name = names[kind];
      }
  prompt_marks_clear (&marks);
  return name;
}

/* Puts STAND_IN in the place of every letter in turn; returns how many of them the engine weighs. */
static gint
compare_with_the_engine (const gchar *text)
{
  gint compared = 0;

  for (gsize at = 0; text[at]; at++)
    {
      gchar   *altered = g_strdup_printf ("%.*s" STAND_IN "%s", (gint) at, text, text + at + 1);
      gboolean found   = FALSE;
      gdouble  weight  = 0;

      for (guint seed = 0; seed < 8 && ! found && g_ascii_isalpha (text[at]); seed++)
        {
          gchar *expanded = prompt_expand (altered, seed);

          found = find_weight (expanded, &weight);
          free (expanded);
        }
      if (found)
        {
          const gchar *want = ABS (weight - 1) < 0.005 ? "" : weight > 1 ? "S" : "W";

          if (! CHECK_STRING (mark_of (altered, (gint) g_utf8_strlen (text, (gssize) at)), want))
            printf ("     in: %s\n", altered);
          compared++;
        }
      g_free (altered);
    }
  return compared;
}

static void
marks_are_what_the_engine_weighs (void)
{
  static const gchar *const texts[] = {
    "a (b:\xd9\xa1.\xd9\xa5) c (d:\xd9\xa0.\xd9\xa5)", "a (b:\xef\xbc\x90.5) c", /* Arabic, wide */
    "(a:\xc2\xa0" "1.5\xe3\x80\x80) b (c:\x1c" "0.5)", "(a:\xc2\xb2) b", /* blanks; no digit */
    "(a [b) c] d", "[a (b] c) d", "(a [b", "a (b", "a [b", "a) b] (c", "((a:2) b", "[a (b:2) c",
    "\\(a:2) \\[b\\] (c\\:1.5) d", "\\\\(a:2)", "\\{(a|b\\}:2)", "[a\\:b:0.5] c", "[a\\]b] c", "(a\\",
    "[a:b:3] c [d]", "[a:b:3 c", "a|b [c:d:3] [e]", "[a:b:0.5] \\", "[a|b} c", "[a:b:1.2.3] c",
    "[a:1,5] b", "[(a:2):b:.5] c", "([a|(b:0.5)] c:1.3)", "[a:b:1e1] [c:d:e]", "[a:b: 3 ] c",
    "{(a:2)|[b]} (c", "{a|b (c:2)", "[{a|b}] c", "[{a|b}:3] c", "(a {b|c:2} d:3)",
    "a # (b:2)\n(c:3)", "(a # b)\n c:2)", "(a:1.5 # (b\n) c", "(a:1.# b\n5) c", "\\# (a:2)", "(a:2 # b",
    "(a:1e5) [b:-1]", "(a:-1)(b:0)(c:1)(d:+2)", "(a:.) (b:1.) (c:.5)", "(a:1.2.3)", "(a:1:0.5) b",
    "(((a:999999999):999999999):-999999999)", "(a:)", "() a", "(a BREAK b:1.2) BREAK c",
    "(a:99999999999999999999999999999999999999999999999999999999999999999999999999) b",
    "(a:0.000000000000000000000000000000000000000000000000000000000000000000000001) b",
  };
  gchar *deep  = g_strnfill (200, '[');
  gchar *ends  = g_strnfill (150, ']');
  gchar *nests = g_strconcat ("a ", deep, "b", ends, "c] d", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    CHECK (compare_with_the_engine (texts[i]) > 0);
  CHECK_INT (compare_with_the_engine (nests), 4);
  g_free (deep);
  g_free (ends);
  g_free (nests);
}

static void
marks_are_what_the_engine_weighs_in_the_golden_prompts (void)
{
  Safetensors *file = golden_open ("text_prompts.safetensors");
  gsize        bytes, count, begin = 0;
  gchar       *text = golden_copy (file, "text", &bytes);
  gint32      *ends = golden_copy (file, "text_ends", &count);
  gint         compared = 0;

  for (gsize i = 0; i < count; i++)
    {
      gchar *prompt = g_strndup (text + begin, (gsize) ends[i] - begin);

      if (g_utf8_validate (prompt, -1, NULL) && strlen (prompt) < 400) /* it takes the square */
        compared += compare_with_the_engine (prompt);
      begin = (gsize) ends[i];
      g_free (prompt);
    }
  CHECK (compared > 3000);
  printf ("     %d letters of %d prompts\n", compared, (gint) count);
  free (text);
  free (ends);
  safetensors_close (file);
}

/* ---- store ----------------------------------------------------------------- */

static gchar *
temporary_file (const gchar *content)
{
  gchar *folder = g_dir_make_tmp ("prompts-XXXXXX", NULL);
  gchar *file   = g_build_filename (folder, "prompts.ini", NULL);

  if (content)
    CHECK (g_file_set_contents (file, content, -1, NULL));
  g_free (folder);
  return file;
}

static void
remove_file (gchar *file)
{
  gchar *folder = g_path_get_dirname (file);

  g_remove (file);
  CHECK_INT (g_rmdir (folder), 0); /* and nothing else was left there */
  g_free (folder);
  g_free (file);
}

/* "prompt/negative; …" */
static void
holds_used (PromptStore *store,
            const gchar *want)
{
  GPtrArray *list = prompt_store_list_used (store);
  GString   *got  = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++)
    {
      PromptUsed *used = list->pdata[i];

      g_string_append_printf (got, "%s%s/%s", i ? "; " : "", used->prompt, used->negative);
    }
  CHECK_STRING (got->str, want);
  g_string_free (got, TRUE);
  g_ptr_array_unref (list);
}

static void
holds_styles (PromptStore *store,
              const gchar *want)
{
  GPtrArray *list = prompt_store_list_styles (store);
  GString   *got  = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++)
    {
      PromptStyle *style = list->pdata[i];

      g_string_append_printf (got, "%s%s/%s", i ? "; " : "", style->name, style->template);
    }
  CHECK_STRING (got->str, want);
  g_string_free (got, TRUE);
  g_ptr_array_unref (list);
}

static void
used_prompts_are_kept_with_their_negatives (void)
{
  gchar       *file  = temporary_file (NULL);
  PromptStore *store = prompt_store_new (file);

  holds_used (store, "");
  prompt_store_add_used (store, "one; two", "");
  prompt_store_add_used (store, " ä\n\tb\\", "x;\ny;");
  prompt_store_add_used (store, "one; two", "z");
  prompt_store_add_used (store, "one; two", "");
  prompt_store_free (store);
  store = prompt_store_new (file);
  holds_used (store, "one; two/; one; two/z;  ä\n\tb\\/x;\ny;");
  prompt_store_forget_used (store);
  holds_used (store, "");
  prompt_store_free (store);
  remove_file (file);
}

static void
thirty_used_prompts_are_kept (void)
{
  gchar       *file  = temporary_file (NULL);
  PromptStore *store = prompt_store_new (file);
  GPtrArray   *list;

  for (gint i = 0; i < 40; i++)
    {
      gchar *prompt = g_strdup_printf ("prompt %d", i);

      prompt_store_add_used (store, prompt, "");
      g_free (prompt);
    }
  list = prompt_store_list_used (store);
  if (CHECK_INT (list->len, 30))
    {
      CHECK_STRING (((PromptUsed *) list->pdata[0])->prompt, "prompt 39");
      CHECK_STRING (((PromptUsed *) list->pdata[29])->prompt, "prompt 10");
    }
  g_ptr_array_unref (list);
  prompt_store_free (store);
  remove_file (file);
}

static void
old_files_are_read_and_kept (void)
{
  gchar       *file  = temporary_file ("[prompts]\nhistory=a\\; b;c;\nstyles={prompt}, oil;[x]=y;\n"
                                       "[other]\nkey=value\n");
  PromptStore *store = prompt_store_new (file);
  gchar       *content;

  holds_used (store, "a; b/; c/");
  holds_styles (store, "[x]=y/[x]=y; {prompt}, oil/{prompt}, oil");
  prompt_store_add_used (store, "d", "e");
  holds_used (store, "d/e; a; b/; c/");
  CHECK (prompt_store_save_style (store, "[x]=y", "new", NULL));
  prompt_store_delete_style (store, "{prompt}, oil");
  holds_styles (store, "[x]=y/new");
  CHECK (g_file_get_contents (file, &content, NULL, NULL));
  CHECK (strstr (content, "[other]\nkey=value") && ! strstr (content, "history"));
  g_free (content);
  prompt_store_free (store);
  remove_file (file);
}

static void
style_names_hold_any_character (void)
{
  static const gchar *const names[] = { "=", "[Ö] = 🌻; #", "a/b%41\\n", "line\nbreak\ttab", "#x",
                                        " blank ", "name[de]" };
  gchar       *file  = temporary_file (NULL);
  PromptStore *store = prompt_store_new (file);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    CHECK (prompt_store_save_style (store, names[i], " ä; \\n\n{prompt} ", NULL));
  prompt_store_free (store);
  store = prompt_store_new (file);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      GPtrArray *list  = prompt_store_list_styles (store);
      gboolean   found = FALSE;

      CHECK_INT (list->len, G_N_ELEMENTS (names) - i);
      for (guint k = 0; k < list->len; k++)
        {
          PromptStyle *style = list->pdata[k];

          found = found || ! strcmp (style->name, names[i]);
          CHECK_STRING (style->template, " ä; \\n\n{prompt} ");
        }
      CHECK (found);
      g_ptr_array_unref (list);
      prompt_store_delete_style (store, names[i]);
    }
  holds_styles (store, "");
  prompt_store_free (store);
  remove_file (file);
}

static void
damaged_file_is_an_empty_one (void)
{
  static const gchar *const contents[] =
    { "", "\xff\xfe garbage", "[prompts]\n1=a;b;\nno key here\n", "[prompts\n", "[styles]\n%=x\n",
      "[prompts]\n1=\\q;\n2=\xff;\n", "[styles]\n%00=x\n%ff=x\n", "[prompts]\n1=;x;\n" };

  for (guint i = 0; i < G_N_ELEMENTS (contents); i++)
    {
      gchar       *file  = temporary_file (contents[i]);
      PromptStore *store = prompt_store_new (file);

      holds_used (store, "");
      holds_styles (store, "");
      prompt_store_add_used (store, "a", "b");
      holds_used (store, "a/b");
      CHECK (prompt_store_save_style (store, "n", "t", NULL));
      holds_styles (store, "n/t");
      prompt_store_free (store);
      remove_file (file);
    }
}

static void
two_stores_of_a_file_lose_nothing (void)
{
  gchar       *file  = temporary_file (NULL);
  PromptStore *one   = prompt_store_new (file);
  PromptStore *other = prompt_store_new (file);

  holds_used (one, "");
  prompt_store_add_used (other, "b", "");
  prompt_store_add_used (one, "a", "");
  CHECK (prompt_store_save_style (other, "s", "x", NULL));
  CHECK (prompt_store_save_style (one, "t", "y", NULL));
  holds_used (other, "a/; b/");
  holds_styles (one, "s/x; t/y");
  holds_styles (other, "s/x; t/y");
  prompt_store_free (one);
  prompt_store_free (other);
  remove_file (file);
}

static void
file_that_cannot_be_written_is_told (void)
{
  PromptStore *store = prompt_store_new ("/nowhere/at/all.ini");
  GError      *error = NULL;

  prompt_store_add_used (store, "a", "");
  CHECK (! prompt_store_save_style (store, "n", "t", &error));
  CHECK (error && *error->message);
  g_clear_error (&error);
  prompt_store_free (store);
}

static void
store_without_a_file_lasts_as_long_as_itself (void)
{
  PromptStore *store = prompt_store_new (NULL);

  prompt_store_add_used (store, "a", "b");
  CHECK (prompt_store_save_style (store, "n", "t", NULL));
  holds_used (store, "a/b");
  holds_styles (store, "n/t");
  prompt_store_free (store);
}

static void
styled (const gchar *template,
        const gchar *prompt,
        const gchar *want)
{
  gchar *got = prompt_store_apply_style (template, prompt);

  CHECK_STRING (got, want);
  g_free (got);
}

static void
style_takes_the_prompt_in (void)
{
  styled ("{prompt}, oil", "a cat", "a cat, oil");
  styled ("oil of {prompt}, {prompt}", "ä", "oil of ä, ä");
  styled ("oil", "a cat", "a cat, oil");
  styled ("oil", "", "oil");
  styled ("{prompt}, oil", "{prompt} x", "{prompt} x, oil");
  styled ("{prompt}, oil", "a # note", "a # note\n, oil");
  styled ("oil", "a # note\nb", "a # note\nb, oil");
}

int
main (int    argc,
      char **argv)
{
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
  test_begin (argc, argv);
  RUN (weight_of_the_word_at_the_cursor_changes);
  RUN (weight_of_the_word_before_the_cursor_changes);
  RUN (nothing_weighable_is_left_alone);
  RUN (selection_gets_a_weight_and_stays);
  RUN (weights_stay_in_their_range);
  RUN (weights_of_nested_brackets_multiply);
  RUN (weights_are_read_as_the_engine_reads_them);
  RUN (marks_stand_at_characters);
  RUN (innermost_weight_is_the_one_that_shows);
  RUN (comments_hold_nothing_else);
  RUN (choices_need_a_bar_and_a_brace);
  RUN (marks_in_a_line_are_limited);
  RUN (marks_are_what_the_engine_weighs);
  RUN (marks_are_what_the_engine_weighs_in_the_golden_prompts);
  RUN (marks_take_time_in_proportion);
  RUN (used_prompts_are_kept_with_their_negatives);
  RUN (thirty_used_prompts_are_kept);
  RUN (old_files_are_read_and_kept);
  RUN (style_names_hold_any_character);
  RUN (damaged_file_is_an_empty_one);
  RUN (two_stores_of_a_file_lose_nothing);
  RUN (file_that_cannot_be_written_is_told);
  RUN (store_without_a_file_lasts_as_long_as_itself);
  RUN (style_takes_the_prompt_in);
  return test_end ();
}
