/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Islands: parts of a selection (or of what is clear) with nothing between them, and which of them
 * are repainted together.
 *
 * They are found from rows as they come, at a cell of 16 x 16 pixels each: parts nearer than that are
 * one island.  More than EDIT_MAX_ISLANDS are gathered by cells of twice the size, until they are
 * few enough. */
#pragma once

#include "../edit.h"

/* What repainting one rectangle would cost. */
typedef struct {
    EditRect selection; /* bounds of its islands */
    EditRect result;    /* what its repaint may cover */
    double   work;      /* pixels of all passes, by strength; HUGE_VAL: it cannot be done */
    double   detail;    /* scale at which it is seen first, where things are laid out; at most 1 */
} IslandGroup;

typedef void IslandCost(IslandGroup *group, void *user); /* fills in all but selection */

/* groups [count] become those that are repainted together; returns how many.  Two whose results meet
 * are one; else they are joined while that is less work, at no loss of detail.  Greedy: the pair that
 * saves most first. */
int islands_group(IslandGroup *groups, int count, IslandCost *cost, void *user);
