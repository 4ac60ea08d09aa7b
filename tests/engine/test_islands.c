/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edit/islands.h"
#include "edit/region.h"
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* rects of a mask [h, w], given in bands of that many rows, from the last one up. */
static int found(EditRect *rects, const float *mask, int w, int h, int band)
{
    EditIslands *islands = edit_islands_create(w, h);
    int          count = -1;
    for (int y = (h - 1) / band * band; y >= 0; y -= band)
        edit_islands_add(islands, (EditRect){ 0, y, w, y + band < h ? band : h - y },
                         mask + y * w);
    CHECK(edit_islands_find(islands, rects, &count));
    edit_islands_destroy(islands);
    return count;
}

static void select_rect(float *mask, int w, EditRect rect)
{
    for (int y = rect.y; y < rect.y + rect.height; y++)
        for (int x = rect.x; x < rect.x + rect.width; x++)
            mask[y * w + x] = .3F;
}

static bool same(EditRect a, EditRect b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static void parts_are_found_with_their_bounds(void)
{
    enum { W = 500, H = 403 };
    static const EditRect parts[] = { { 0, 0, 3, 5 }, { 130, 33, 90, 1 }, { 499, 100, 1, 1 },
                                      { 40, 200, 70, 203 } };
    float   *mask = calloc(W * H, sizeof *mask);
    EditRect rects[EDIT_MAX_ISLANDS];
    CHECK_INT(found(rects, mask, W, H, 7), 0);
    for (int i = 0; i < 4; i++)
        select_rect(mask, W, parts[i]);
    for (int band = 1; band < 500; band += 57) {
        CHECK_INT(found(rects, mask, W, H, band), 4);
        for (int i = 0; i < 4; i++)
            CHECK(same(rects[i], parts[i]));
    }
    select_rect(mask, W, (EditRect){ 110, 34, 20, 190 }); /* a bridge */
    CHECK_INT(found(rects, mask, W, H, 64), 3);
    CHECK(same(rects[1], (EditRect){ 40, 33, 180, 370 }));
    free(mask);
}

/* A selection by colour has thousands. */
static void a_thousand_specks_are_gathered(void)
{
    enum { W = 3000, H = 2000 };
    float   *mask = calloc(W * H, sizeof *mask);
    EditRect rects[EDIT_MAX_ISLANDS];
    unsigned state = 5;
    for (int i = 0; i < 1000; i++) {
        state = state * 1664525 + 1013904223;
        mask[(state >> 8) % (W * H)] = 1;
    }
    int  count = found(rects, mask, W, H, 128), out = 0;
    CHECK(count >= 1 && count <= EDIT_MAX_ISLANDS);
    for (int i = 0; i < W * H; i++) {
        int inside = 0;
        for (int k = 0; mask[i] > 0 && k < count; k++)
            inside += rect_contains(rects[k], (EditRect){ i % W, i / W, 1, 1 });
        out += mask[i] > 0 && inside == 0;
    }
    CHECK_INT(out, 0);
    free(mask);
}

/* As many pixels as the rectangle padded by a context of 50, at full detail below 400 x 400. */
static void cost(IslandGroup *group, void *user)
{
    EditRect seen = rect_pad(group->selection, 50, 50, 50, 50);
    group->result = rect_pad(group->selection, 10, 10, 10, 10);
    group->work = (double)seen.width * seen.height;
    group->detail = fmin(1, 400. / fmax(seen.width, seen.height));
    ++*(int *)user;
}

static void what_costs_less_together_is_joined(void)
{
    IslandGroup groups[EDIT_MAX_ISLANDS] = { { .selection = { 0, 0, 20, 20 } },
                                             { .selection = { 1000, 0, 20, 20 } },
                                             { .selection = { 60, 0, 20, 20 } },
                                             { .selection = { 1000, 70, 20, 20 } },
                                             { .selection = { 500, 500, 20, 20 } } };
    int         asked = 0;
    CHECK_INT(islands_group(groups, 5, cost, &asked), 3);
    CHECK(same(groups[0].selection, (EditRect){ 0, 0, 80, 20 }));
    CHECK(same(groups[1].selection, (EditRect){ 1000, 0, 20, 90 }));
    CHECK(same(groups[2].selection, (EditRect){ 500, 500, 20, 20 }));
}

static void detail_is_not_given_up_for_less_work(void)
{
    IslandGroup groups[EDIT_MAX_ISLANDS] = { { .selection = { 0, 0, 290, 20 } },
                                             { .selection = { 350, 0, 290, 20 } } };
    int         asked = 0;
    CHECK_INT(islands_group(groups, 2, cost, &asked), 2);
}

static void results_never_meet(void)
{
    srand(9);
    for (int round = 0; round < 200; round++) {
        IslandGroup groups[EDIT_MAX_ISLANDS] = { 0 };
        int         asked = 0, meet = 0;
        for (int i = 0; i < EDIT_MAX_ISLANDS; i++)
            groups[i].selection =
                (EditRect){ rand() % 3000, rand() % 3000, 1 + rand() % 300, 1 + rand() % 300 };
        int count = islands_group(groups, EDIT_MAX_ISLANDS, cost, &asked);
        for (int i = 0; i < count; i++)
            for (int j = i + 1; j < count; j++)
                meet += rect_intersect(groups[i].result, groups[j].result).width > 0;
        CHECK_INT(meet, 0);
        CHECK(asked < 2000);
    }
}

int main(int argc, char **argv)
{
    test_begin(argc, argv);
    RUN(parts_are_found_with_their_bounds);
    RUN(a_thousand_specks_are_gathered);
    RUN(what_costs_less_together_is_joined);
    RUN(detail_is_not_given_up_for_less_work);
    RUN(results_never_meet);
    return test_end();
}
