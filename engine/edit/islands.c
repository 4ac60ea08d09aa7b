/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "islands.h"

#include "region.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Pixels.  A rectangle of 16 bytes a cell is a sixteenth of a byte a pixel: the largest canvas can
 * be looked through row by row. */
enum { CELL = 16 };

/* Least detail that joining may leave, of what each would have alone. */
static const double kept_detail = .95;

struct EditIslands {
    int       w, h;   /* cells */
    int       cell;   /* pixels */
    EditRect *bounds; /* [h, w] of what is selected in each cell; width 0: nothing */
};

EditIslands *edit_islands_create(int width, int height)
{
    EditIslands *islands = calloc(1, sizeof *islands);
    if (!islands)
        return NULL;
    islands->cell = CELL;
    islands->w = (width + CELL - 1) / CELL;
    islands->h = (height + CELL - 1) / CELL;
    islands->bounds = calloc((size_t)islands->w * (size_t)islands->h + 1, sizeof(EditRect));
    if (islands->bounds)
        return islands;
    free(islands);
    return NULL;
}

void edit_islands_destroy(EditIslands *islands)
{
    if (!islands)
        return;
    free(islands->bounds);
    free(islands);
}

void edit_islands_add(EditIslands *islands, EditRect rect, const float *selection)
{
    for (int y = 0; y < rect.height; y++) {
        const float *row = selection + (size_t)y * (size_t)rect.width;
        int          cy = (rect.y + y) / CELL;
        for (int x = 0; x < rect.width; x++) {
            int cx = (rect.x + x) / CELL;
            /* However faintly it is selected: masks decide later what is too little. */
            if (!(row[x] > 0) || rect.x + x < 0 || rect.y + y < 0 || cx >= islands->w ||
                cy >= islands->h)
                continue;
            EditRect *bounds = &islands->bounds[(size_t)cy * (size_t)islands->w + (size_t)cx];
            *bounds = rect_union(*bounds, (EditRect){ rect.x + x, rect.y + y, 1, 1 });
        }
    }
}

/* The 8-connected cells around `start`, emptied; stack [cells]. */
static EditRect take_island(EditIslands *islands, int *stack, int start)
{
    EditRect found = islands->bounds[start];
    int      listed = 1;
    stack[0] = start;
    islands->bounds[start] = (EditRect){ 0 };
    while (listed > 0) {
        int at = stack[--listed], x = at % islands->w, y = at / islands->w;
        for (int v = y - 1; v <= y + 1; v++) {
            for (int u = x - 1; u <= x + 1; u++) {
                if (u < 0 || v < 0 || u >= islands->w || v >= islands->h)
                    continue;
                int       beside = v * islands->w + u;
                EditRect *bounds = &islands->bounds[beside];
                if (bounds->width == 0)
                    continue;
                found = rect_union(found, *bounds);
                *bounds = (EditRect){ 0 };
                stack[listed++] = beside;
            }
        }
    }
    return found;
}

/* Cells of twice the size. */
static void coarsen(EditIslands *islands)
{
    int w = (islands->w + 1) / 2, h = (islands->h + 1) / 2;
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            EditRect all = { 0 };
            for (int i = 0; i < 4; i++) {
                int u = 2 * x + i % 2, v = 2 * y + i / 2;
                if (u < islands->w && v < islands->h)
                    all = rect_union(all, islands->bounds[v * islands->w + u]);
            }
            islands->bounds[y * w + x] = all; /* behind all that is still to be read */
        }
    }
    islands->w = w;
    islands->h = h;
    islands->cell *= 2;
}

bool edit_islands_find(EditIslands *islands, EditRect *rects, int *count)
{
    size_t    cells = (size_t)islands->w * (size_t)islands->h;
    EditRect *kept = malloc((cells + 1) * sizeof *kept);
    int      *stack = malloc((cells + 1) * sizeof *stack);
    bool      ok = kept && stack, few = false;
    while (ok && !few) {
        cells = (size_t)islands->w * (size_t)islands->h;
        /* Taking an island empties its cells, so that they are put back for a coarser try, and for
         * the caller's next call. */
        memcpy(kept, islands->bounds, cells * sizeof *kept);
        *count = 0;
        few = true;
        for (size_t i = 0; few && i < cells; i++) {
            if (islands->bounds[i].width == 0)
                continue;
            few = *count < EDIT_MAX_ISLANDS;
            if (few)
                rects[(*count)++] = take_island(islands, stack, (int)i);
        }
        memcpy(islands->bounds, kept, cells * sizeof *kept);
        if (!few)
            coarsen(islands);
    }
    free(kept);
    free(stack);
    return ok;
}

bool edit_settings_clear(EditSettings *settings, const float *rgba, int width, int height)
{
    EditIslands *islands = edit_islands_create(width, height);
    float       *row = malloc((size_t)width * sizeof *row);
    bool         ok = islands && row;
    settings->known = (EditRect){ 0 };
    settings->island_count = 0;
    for (int y = 0; ok && y < height; y++)
        for (int x = 0; x < width; x++)
            /* The threshold of CROP_NO_PIXEL: the plan must find what the crop will fill, no more
             * and no less. */
            if (rgba[4 * ((size_t)y * (size_t)width + (size_t)x) + 3] >= .5F / 255)
                settings->known = rect_union(settings->known, (EditRect){ x, y, 1, 1 });
    EditRect known = settings->known;
    for (int y = known.y; ok && y < known.y + known.height; y++) {
        for (int x = 0; x < known.width; x++)
            row[x] =
                rgba[4 * ((size_t)y * (size_t)width + (size_t)(known.x + x)) + 3] < .5F / 255;
        edit_islands_add(islands, (EditRect){ known.x, y, known.width, 1 }, row);
    }
    ok = ok && edit_islands_find(islands, settings->islands, &settings->island_count);
    edit_islands_destroy(islands);
    free(row);
    return ok;
}

/* ---- groups --------------------------------------------------------------------------------- */

typedef struct {
    IslandGroup *groups;
    int          count;
    IslandGroup  joined[EDIT_MAX_ISLANDS][EDIT_MAX_ISLANDS]; /* of groups i < j */
    IslandCost  *cost;
    void        *user;
} Grouping;

static void join(Grouping *all, int i, int j)
{
    IslandGroup *both = &all->joined[i][j];
    both->selection = rect_union(all->groups[i].selection, all->groups[j].selection);
    all->cost(both, all->user);
}

/* What joining i and j saves; less than 0: they stay apart. */
static double saving(const Grouping *all, int i, int j)
{
    const IslandGroup *a = &all->groups[i], *b = &all->groups[j], *both = &all->joined[i][j];
    /* Two layers over one pixel would blend it twice. */
    if (rect_intersect(a->result, b->result).width > 0)
        return HUGE_VAL;
    if (both->detail < kept_detail * fmin(a->detail, b->detail))
        return -1;
    return a->work + b->work - both->work;
}

/* j goes into i, those behind it move up. */
static void merge(Grouping *all, int i, int j)
{
    all->groups[i] = all->joined[i][j];
    all->count--;
    for (int k = j; k < all->count; k++)
        all->groups[k] = all->groups[k + 1];
    for (int a = 0; a < all->count; a++)
        for (int b = a + 1; b < all->count; b++)
            all->joined[a][b] = all->joined[a + (a >= j)][b + (b >= j)];
    /* Only pairs with the new group are planned again; the others cost what they did. */
    for (int k = 0; k < all->count; k++)
        if (k != i)
            join(all, k < i ? k : i, k < i ? i : k);
}

/* All pairs are planned once, count^2 / 2 plans of at most 32 islands; each joining plans count
 * more.  Returns 0 without memory, and the caller then repaints the selection as one. */
int islands_group(IslandGroup *groups, int count, IslandCost *cost, void *user)
{
    static const Grouping none;
    /* 48 KiB of pairs: not on the stack. */
    Grouping             *all = malloc(sizeof *all);
    if (!all)
        return 0;
    *all = none;
    all->groups = groups;
    all->count = count;
    all->cost = cost;
    all->user = user;
    for (int i = 0; i < count; i++)
        cost(&groups[i], user);
    for (int i = 0; i < count; i++)
        for (int j = i + 1; j < count; j++)
            join(all, i, j);
    for (;;) {
        double most = 0;
        int    first = -1, second = -1;
        for (int i = 0; i < all->count; i++) {
            for (int j = i + 1; j < all->count; j++) {
                double saved = saving(all, i, j);
                if (saved > most) {
                    most = saved;
                    first = i;
                    second = j;
                }
            }
        }
        if (first < 0)
            break;
        merge(all, first, second);
    }
    count = all->count;
    free(all);
    return count;
}
