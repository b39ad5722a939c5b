/* Where the samples of a picture lie, and the memory that they are run in. The loop that begins them is samples_loop.h. */

#ifndef FRACTAL_SAMPLES_H
#define FRACTAL_SAMPLES_H

#include <stdint.h>

#include "lanes.h"

/* Samples that are begun, run and coloured at a time: so many that lanes seldom idle while the last of them end, so few
 * that they stay in a processor's second cache. At least 256, those of one pixel. */
#define SAMPLES_WINDOW 4096
/* Samples along the side of a pixel, at most. */
#define SAMPLES_SIDE 16

/* What part of which set a picture shows. */
struct samples_view {
    int64_t width, height;
    int32_t julia, turned;
    double julia_re, julia_im, center_re, center_im, zoom;
    double m00, m01, m10, m11; /* if turned */
};

/* Where a pixel's samples lie from its left and lower edges, in pixels: `side` of them each way. */
struct samples_raster {
    double x[SAMPLES_SIDE], y[SAMPLES_SIDE];
    int64_t side;
};

struct samples_rect {
    int64_t x, y, width, height;
};

/* Columns of pixels from `first` up to `last`, and where their samples lie on the plane before it is turned. */
struct samples_columns {
    int64_t first, last;
    double u[SAMPLES_WINDOW + LANES_SLACK];
};

/* The memory of one call: a window of orbits, where they end, and columns of the picture. */
struct samples_window {
    double x[SAMPLES_WINDOW + LANES_SLACK], y[SAMPLES_WINDOW + LANES_SLACK]; /* z where orbits start; then where they end */
    double cr[SAMPLES_WINDOW + LANES_SLACK], ci[SAMPLES_WINDOW + LANES_SLACK];
    int64_t n[SAMPLES_WINDOW + LANES_SLACK], state[SAMPLES_WINDOW + LANES_SLACK];
    double todo_reals[4][SAMPLES_WINDOW + LANES_SLACK];
    int64_t todo_ints[2][SAMPLES_WINDOW + LANES_SLACK];
    struct samples_columns columns;
};

/* Forgets what the memory held of another picture. */
static inline void samples_reset(struct samples_window *w) { w->columns.first = w->columns.last = 0; }

/* The first `count` orbits of a window. */
static inline struct lanes_window samples_orbits(struct samples_window *w, int64_t count) {
    return (struct lanes_window){w->x, w->y, w->cr, w->ci, w->n, w->state, count};
}

/* An empty list of orbits in a window's memory. */
static inline struct lanes_list samples_todo(struct samples_window *w) {
    return (struct lanes_list){w->todo_reals[0], w->todo_reals[1], w->todo_reals[2], w->todo_reals[3],
                               w->todo_ints[0],  w->todo_ints[1],  0};
}

/* Behind a piece of a window nothing runs, as far as it is read. */
static inline void samples_bound(struct samples_window *w, int64_t last) {
    for (int64_t i = last; i < last + LANES_READ; i++) w->state[i] = LANES_INSIDE;
}

static inline int64_t samples_pixels(const struct samples_rect *rects, int64_t count) {
    int64_t pixels = 0;
    for (int64_t i = 0; i < count; i++) pixels += rects[i].width * rects[i].height;
    return pixels;
}

/* Where in some rects the next pixel is: row by row from the top of each. */
struct samples_cursor {
    const struct samples_rect *rect;
    int64_t column, row;
};

/* The next pixels of one row, at most `most`: the first one's column, the row from the top, and how many there are. */
static inline int64_t samples_next(struct samples_cursor *cursor, int64_t most, int64_t *px, int64_t *row) {
    const int64_t left = cursor->rect->width - cursor->column, run = left < most ? left : most;
    *px = cursor->rect->x + cursor->column, *row = cursor->rect->y + cursor->row;
    cursor->column += run;
    if (run < left) return run;
    cursor->column = 0;
    if (++cursor->row < cursor->rect->height) return run;
    cursor->row = 0;
    cursor->rect++;
    return run;
}

#endif
