/* Lists of orbits, as the loop over vector lanes takes and leaves them. The loop itself is lanes_loop.h. */

#ifndef FRACTAL_LANES_H
#define FRACTAL_LANES_H

#include <stdint.h>
#include <string.h>

#include "stop.h"

/* Loops over lanes live in registers only when they are written out. */
#define LANES_UNROLL _Pragma("GCC unroll 16")

/* At least the lanes of any instruction set, and a vector: what may be read or written beyond the end of a list. */
#define LANES_SLACK 80
/* At most so many orbits are read at once. */
#define LANES_READ 16
/* Orbits that left the loop before they are finished in one go. */
#define LANES_BATCH 192
/* Orbits of a window that are taken up at a time: many end in their first block or few. Where few did, one piece in so many
 * is tried again. */
#define LANES_PIECE 256
#define LANES_PROBE 2
/* That is many: one in so many. */
#define LANES_WORTH 6
/* Blocks that they do in their order, as long as one of them runs. */
#define LANES_BLOCKS 3
/* Blocks from one look at the stop flag to the next. */
#define LANES_LOOK 128
/* Blocks from one pass over the lanes' marks to the next. */
#define LANES_PASS 16
/* The start of a lane that has nothing to do: it never comes to an end. */
#define LANES_IDLE (-(INT64_C(1) << 60))

enum lanes_state { LANES_RUNNING = 0, LANES_ESCAPED = 1, LANES_INSIDE = 2 };

/* Orbits: z_n = x + iy, c, n, and where in `lanes_ends` their end is written. */
struct lanes_list {
    double *x, *y, *cr, *ci;
    int64_t *n, *id;
    int64_t count;
};

/* Orbits in order, and where they end: z_n, c, n and a lanes_state. Only those that run are run. Behind the last one may be
 * anything, in place for a few vectors, that doesn't run. */
struct lanes_window {
    double *x, *y, *cr, *ci;
    int64_t *n, *state;
    int64_t count;
};

/* Where orbits end: z_n, n, and a lanes_state. Escaped: n is the first index outside. Inside: z repeats for ever. Running:
 * the limit came first. */
struct lanes_ends {
    double *x, *y;
    int64_t *n, *state;
};

/* How to run them: the index at which they end, the fewest whole blocks that one of them has to it, whether to look for
 * repeats of z, whether to test each single step, since an orbit might leave the circle and come back within a block, and
 * whether all of them are at their starts and so near that none is outside within the formula's LANES_SURE steps. */
struct lanes_rules {
    int64_t limit, least;
    int repeats, guarded, sure;
};

/* Of orbits that did a block: how many, and how many of them go on. */
struct lanes_tally {
    int64_t tried, kept;
};

/* How it went with the pieces of a window so far: whether many ended in the last one, how many pieces were taken up at a
 * time when few did, and what became of the orbits in their last blocks. */
struct lanes_sieve {
    int many;
    int64_t pieces;
    struct lanes_tally last;
};

/* Adds an orbit to a list. */
static inline void lanes_add(struct lanes_list *list, double x, double y, double cr, double ci, int64_t n, int64_t id) {
    const int64_t i = list->count++;
    list->x[i] = x, list->y[i] = y, list->cr[i] = cr, list->ci[i] = ci, list->n[i] = n, list->id[i] = id;
}

/* Puts orbits at 0, at step n, behind the end of a list: what is read beyond it. */
static inline void lanes_pad(struct lanes_list *list, int pads, int64_t n) {
    const int64_t count = list->count;
    for (int i = 0; i < pads; i++) lanes_add(list, 0.0, 0.0, 0.0, 0.0, n, -1);
    list->count = count;
}

#endif
