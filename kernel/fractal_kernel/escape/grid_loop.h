/* The body of Grid pictures, for one instruction set: included by grid.h behind its vectors.
 *
 * Every rounding is written here: with -ffp-contract=off nothing is fused but what says fma. */

#include "log2.h"
#include "samples_loop.h"

#define REALS FRACTAL_NAME(reals)
#define INTS FRACTAL_NAME(ints)
#define MASK FRACTAL_NAME(mask)

/* |z|². */
FRACTAL_INLINE REALS LANES_NAME(modulus)(REALS x, REALS y) { return FRACTAL_NAME(fma)(x, x, y * y); }

/* z ← z² + c, of some vectors. Their operations alternate, so that neighbours never wait for each other: measured on Zen 4,
 * a sixth faster. x·(y + y) has the bits of (x + x)·y, and waits less. */
FRACTAL_INLINE void LANES_NAME(step)(REALS *x, REALS *y, const REALS *cr, const REALS *ci, const int vectors) {
    REALS t[LANES_VECTORS], twice[LANES_VECTORS];
    LANES_UNROLL for (int v = 0; v < vectors; v++) t[v] = FRACTAL_NAME(fnma)(y[v], y[v], cr[v]);
    LANES_UNROLL for (int v = 0; v < vectors; v++) twice[v] = y[v] + y[v];
    LANES_UNROLL for (int v = 0; v < vectors; v++) y[v] = FRACTAL_NAME(fma)(x[v], twice[v], ci[v]);
    LANES_UNROLL for (int v = 0; v < vectors; v++) x[v] = FRACTAL_NAME(fma)(x[v], x[v], t[v]);
}

/* Which have escaped. */
FRACTAL_INLINE MASK LANES_NAME(out)(REALS x, REALS y) {
    return FRACTAL_NAME(beyond)(LANES_NAME(modulus)(x, y), FRACTAL_NAME(all)(GRID_ESCAPE));
}

/* |x| + |y| ≥ |z|. */
FRACTAL_INLINE REALS LANES_NAME(size)(REALS x, REALS y) {
    return FRACTAL_NAME(absolute)(x) + FRACTAL_NAME(absolute)(y);
}

#define LANES_CALM 999.0 /* the roundings of the sums are below 1 */
#define LANES_SKIPS 0
#define LANES_SURE 3 /* see GRID_NEAR */
#include "lanes_loop.h"
#undef LANES_SKIPS
#undef LANES_SURE
#undef LANES_CALM

#define REALS FRACTAL_NAME(reals)
#define INTS FRACTAL_NAME(ints)
#define MASK FRACTAL_NAME(mask)

/* Which c of the Mandelbrot set lie in the cardioid or the disc of period 2, by such a margin that no rounding leads
 * out: where the multiplier λ of the cycle has |λ|² ≤ 1 − 2⁻¹⁶. With s = √(1 − 4c) the cardioid's is 1 − s, so that |λ|² is
 * 1 + |s|² − 2 Re s, |s|² = |1 − 4c| and 2 Re s = √(2 (|s|² + Re(1 − 4c))); the disc's is 4 (c + 1). */
FRACTAL_INLINE MASK LANES_NAME(known)(REALS cr, REALS ci) {
    /* Both lie in this rectangle. Most vectors are beside it, and roots take long. */
    const REALS along = FRACTAL_NAME(absolute)(cr + 0.4375), up = FRACTAL_NAME(absolute)(ci);
    const MASK far = FRACTAL_NAME(either)(FRACTAL_NAME(beyond)(along, FRACTAL_NAME(all)(0.8125)),
                                          FRACTAL_NAME(beyond)(up, FRACTAL_NAME(all)(0.65)));
    const MASK near = FRACTAL_NAME(without)(FRACTAL_NAME(equal)((INTS)up, (INTS)up), far);
    if (!FRACTAL_NAME(any)(near)) return near;
    const REALS margin = FRACTAL_NAME(all)(0x1p-16), disc = FRACTAL_NAME(all)((1.0 - 0x1p-16) / 16.0);
    const REALS wr = 1.0 - 4.0 * cr, wi = 4.0 * ci;
    const REALS s2 = FRACTAL_NAME(root)(wr * wr + wi * wi), left = margin + s2;
    const REALS from = (cr + 1.0) * (cr + 1.0) + ci * ci;
    const MASK beside = FRACTAL_NAME(beyond)(left * left, 2.0 * (s2 + wr));
    return FRACTAL_NAME(without)(near, FRACTAL_NAME(both)(beside, FRACTAL_NAME(beyond)(from, disc)));
}

/* Says of a piece of a window which of its orbits run. Whether one starts far from 0. */
FRACTAL_INLINE int LANES_NAME(judge)(const struct grid_picture *p, struct samples_window *window, int64_t first,
                                     int64_t last) {
    const int regions = !p->view.julia && p->shortcuts >= GRID_REPEATS_AND_REGIONS;
    const INTS zero = FRACTAL_NAME(all_ints)(0);
    MASK far = FRACTAL_NAME(none)();
    for (int64_t i = first; i < last; i += FRACTAL_WIDTH) {
        const REALS cr = FRACTAL_NAME(load)(window->cr + i), ci = FRACTAL_NAME(load)(window->ci + i);
        const MASK out = LANES_NAME(out)(FRACTAL_NAME(load)(window->x + i), FRACTAL_NAME(load)(window->y + i));
        const MASK in = regions ? LANES_NAME(known)(cr, ci) : FRACTAL_NAME(none)();
        far = FRACTAL_NAME(either)(far, FRACTAL_NAME(beyond)(LANES_NAME(size)(cr, ci), FRACTAL_NAME(all)(GRID_NEAR)));
        const INTS state = LANES_NAME(pick)(out, zero + LANES_ESCAPED, LANES_NAME(pick)(in, zero + LANES_INSIDE, zero));
        FRACTAL_NAME(store_ints)(window->state + i, state);
    }
    samples_bound(window, last);
    return FRACTAL_NAME(any)(far);
}

/* Runs the first `count` orbits of a window, whose n is at most `most`, to their ends; nonzero if it was stopped. They are
 * begun before from a cursor, unless there is none; piece by piece, since a piece stays in a processor's first cache. */
FRACTAL_TARGET static int LANES_NAME(run_window)(const struct grid_picture *p, const struct samples_raster *raster,
                                                 struct samples_cursor *cursor, struct samples_window *window,
                                                 int64_t count, int64_t most, int64_t limit, struct fractal_watch *watch) {
    const struct lanes_window orbits = samples_orbits(window, count);
    struct lanes_list todo = samples_todo(window);
    struct lanes_sieve sieve = {0};
    const double norm = p->view.julia_re * p->view.julia_re + p->view.julia_im * p->view.julia_im;
    struct lanes_rules rules = {limit, (limit - most) / LANES_STEPS, p->shortcuts >= GRID_REPEATS,
                                p->view.julia && !(norm <= GRID_SAFE), 0};
    const int64_t samples = cursor ? raster->side * raster->side : 1, piece = LANES_PIECE / samples * samples;
    for (int64_t first = 0; first < count; first += piece) {
        const int64_t last = count - first < piece ? count : first + piece;
        if (cursor) FRACTAL_NAME(begin)(&p->view, raster, window, first, last, cursor);
        const int far = LANES_NAME(judge)(p, window, first, last);
        rules.sure = !p->view.julia && most == 0 && !far;
        if (LANES_NAME(sift)(&orbits, first, last, &todo, &rules, &sieve, watch)) return 1;
    }
    return LANES_NAME(run)(&orbits, &todo, &rules, &sieve, watch);
}

/* Which of the samples from i on have escaped. */
FRACTAL_INLINE MASK LANES_NAME(escaped)(const struct samples_window *w, int64_t i) {
    return FRACTAL_NAME(equal)(FRACTAL_NAME(load_ints)(w->state + i), FRACTAL_NAME(all_ints)(LANES_ESCAPED));
}

/* Of the samples from i on: log2 |z|² / log2 1000², whose logarithm is 1 − f; 1 unless they have escaped. */
FRACTAL_INLINE REALS LANES_NAME(excess)(const struct samples_window *w, int64_t i) {
    const REALS most = FRACTAL_NAME(all)(DBL_MAX);
    REALS m = LANES_NAME(modulus)(FRACTAL_NAME(load)(w->x + i), FRACTAL_NAME(load)(w->y + i));
    m = FRACTAL_NAME(pick)(FRACTAL_NAME(beyond)(m, most), most, m);
    m = FRACTAL_NAME(pick)(LANES_NAME(escaped)(w, i), m, FRACTAL_NAME(all)(GRID_ESCAPE)); /* others may have no logarithm */
    return FRACTAL_NAME(log2)(m) * FRACTAL_NAME(all)(GRID_SCALE);
}

/* The fractions f of ν = n + f. */
FRACTAL_INLINE REALS LANES_NAME(fraction)(REALS excess) { return FRACTAL_NAME(all)(1.0) - FRACTAL_NAME(log2)(excess); }

/* Writes the samples' entries in the palette into cr, and loses ci; nonzero if it was stopped.
 *
 * Two loops, since one operation waits for the other in each of them: of two short ones, a processor has twice as many
 * under way at once. Measured on Zen 4: a fifth faster. */
FRACTAL_TARGET static int LANES_NAME(color)(const struct grid_picture *p, struct samples_window *w, int64_t count,
                                            struct fractal_watch *watch) {
    const REALS zero = FRACTAL_NAME(all)(0.0), entries = FRACTAL_NAME(all)(GRID_ENTRIES);
    const REALS whole = FRACTAL_NAME(all)(GRID_WHOLE);
    const REALS offset = FRACTAL_NAME(all)(p->offset), scale = FRACTAL_NAME(all)(p->scale);
    const REALS turn = FRACTAL_NAME(all)(1.0 / GRID_TURN); /* a power of two: the bits of dividing, in less time */
    for (int64_t i = 0; i < count; i += FRACTAL_WIDTH) FRACTAL_NAME(store)(w->ci + i, LANES_NAME(excess)(w, i));
    for (int64_t i = 0; i < count; i += FRACTAL_WIDTH) {
        const REALS fraction = LANES_NAME(fraction)(FRACTAL_NAME(load)(w->ci + i));
        const REALS nu = FRACTAL_NAME(real)(FRACTAL_NAME(load_ints)(w->n + i)) + fraction;
        const REALS u = offset + scale * nu * turn;
        const MASK huge = FRACTAL_NAME(either)(FRACTAL_NAME(not_below)(u, whole), FRACTAL_NAME(not_below)(-u, whole));
        const REALS entry = entries * FRACTAL_NAME(pick)(huge, zero, u - FRACTAL_NAME(floor)(u));
        /* A u just below a whole number has the fraction 1. */
        const REALS cyclic = FRACTAL_NAME(pick)(FRACTAL_NAME(not_below)(entry, entries), zero, entry);
        FRACTAL_NAME(store)(w->cr + i, FRACTAL_NAME(pick)(LANES_NAME(escaped)(w, i), cyclic, entries));
        if (fractal_look(watch, 0, FRACTAL_WIDTH)) return 1;
    }
    return 0;
}

/* Renders rects one after another, rows from the top, three bytes a pixel; nonzero if it was stopped. */
FRACTAL_TARGET static int LANES_NAME(render)(const struct grid_picture *p, const struct samples_rect *rects,
                                             int64_t count, uint8_t *rgb, struct samples_window *window, int64_t *control) {
    struct fractal_watch watch = fractal_watch(control, GRID_PRICE);
    struct samples_cursor cursor = {rects, 0, 0};
    const struct samples_raster raster = grid_raster(p, p->side);
    const int64_t samples = p->side * p->side, fitting = SAMPLES_WINDOW / samples;
    samples_reset(window);
    for (int64_t left = samples_pixels(rects, count); left > 0;) {
        const int64_t pixels = left < fitting ? left : fitting;
        if (LANES_NAME(run_window)(p, &raster, &cursor, window, pixels * samples, 0, p->limit, &watch)) return 1;
        if (LANES_NAME(color)(p, window, pixels * samples, &watch)) return 1;
        if (samples == 1) grid_paint(p, window->cr, pixels, rgb);
        else
            for (int64_t i = 0; i < pixels; i++) grid_shade(p, window->cr + i * samples, samples, rgb + 3 * i);
        rgb += 3 * pixels, left -= pixels;
    }
    fractal_flush(&watch);
    return 0;
}

/* n of the first `side` × `side` samples of each pixel, −1 inside, and their fractions f (0 inside) unless `fractions` is
 * NULL; nonzero if it was stopped. */
FRACTAL_TARGET static int LANES_NAME(escapes)(const struct grid_picture *p, const struct samples_rect *rect,
                                              int64_t side, int64_t *counts, double *fractions, struct samples_window *window,
                                              int64_t *control) {
    struct fractal_watch watch = fractal_watch(control, GRID_PRICE);
    struct samples_cursor cursor = {rect, 0, 0};
    const struct samples_raster raster = grid_raster(p, side);
    const int64_t samples = side * side, fitting = SAMPLES_WINDOW / samples;
    samples_reset(window);
    for (int64_t left = rect->width * rect->height; left > 0;) {
        const int64_t pixels = left < fitting ? left : fitting, here = pixels * samples;
        if (LANES_NAME(run_window)(p, &raster, &cursor, window, here, 0, p->limit, &watch)) return 1;
        for (int64_t i = 0; i < here; i += FRACTAL_WIDTH) {
            const INTS n = LANES_NAME(pick)(LANES_NAME(escaped)(window, i), FRACTAL_NAME(load_ints)(window->n + i),
                                            FRACTAL_NAME(all_ints)(-1));
            if (here - i >= FRACTAL_WIDTH) FRACTAL_NAME(store_ints)(counts + i, n);
            else memcpy(counts + i, &n, sizeof *counts * (size_t)(here - i));
        }
        counts += here;
        for (int64_t i = 0; fractions && i < here; i += FRACTAL_WIDTH) {
            const REALS fraction = LANES_NAME(fraction)(LANES_NAME(excess)(window, i));
            FRACTAL_NAME(store)(window->cr + i,
                                FRACTAL_NAME(pick)(LANES_NAME(escaped)(window, i), fraction, FRACTAL_NAME(all)(0.0)));
        }
        if (fractions) memcpy(fractions, window->cr, sizeof *fractions * (size_t)here), fractions += here;
        if (fractal_look(&watch, 0, here)) return 1;
        left -= pixels;
    }
    fractal_flush(&watch);
    return 0;
}

/* The starts of the first samples of pixels (column, row from the top). */
FRACTAL_TARGET static void LANES_NAME(start)(const struct grid_picture *p, const int64_t *pixels, int64_t count,
                                             struct grid_point *points, struct samples_window *w) {
    const struct samples_raster raster = grid_raster(p, 1);
    for (int64_t first = 0; first < count; first += SAMPLES_WINDOW) {
        const int64_t here = count - first < SAMPLES_WINDOW ? count - first : SAMPLES_WINDOW;
        for (int64_t i = 0; i < here; i++) {
            const int64_t *pixel = pixels + 2 * (first + i);
            w->x[i] = (double)pixel[0] + raster.x[0], w->y[i] = (double)(p->view.height - 1 - pixel[1]) + raster.y[0];
        }
        FRACTAL_NAME(across)(&p->view, w->x, here);
        FRACTAL_NAME(upward)(&p->view, w->y, here);
        FRACTAL_NAME(place)(&p->view, w, 0, here, NULL, 0.0);
        for (int64_t i = 0; i < here; i++)
            points[first + i] = (struct grid_point){w->x[i], w->y[i], w->cr[i], w->ci[i], 0, LANES_RUNNING};
    }
}

/* Runs points of a coarse pass on to `limit`; nonzero if it was stopped. */
FRACTAL_TARGET static int LANES_NAME(advance)(const struct grid_picture *p, struct grid_point *points, int64_t count,
                                              int64_t limit, struct samples_window *w, int64_t *control) {
    struct fractal_watch watch = fractal_watch(control, GRID_PRICE);
    struct grid_point *const end = points + count;
    while (points < end) {
        struct grid_point *of[SAMPLES_WINDOW];
        int64_t here = 0, most = 0;
        for (; points < end && here < SAMPLES_WINDOW; points++) {
            if (points->state != LANES_RUNNING || points->n >= limit) continue;
            w->x[here] = points->x, w->y[here] = points->y, w->cr[here] = points->cr, w->ci[here] = points->ci;
            w->n[here] = points->n, of[here] = points, here++;
            if (points->n > most) most = points->n;
        }
        if (LANES_NAME(run_window)(p, NULL, NULL, w, here, most, limit, &watch)) return 1;
        for (int64_t i = 0; i < here; i++)
            of[i]->x = w->x[i], of[i]->y = w->y[i], of[i]->n = w->n[i], of[i]->state = w->state[i];
    }
    fractal_flush(&watch);
    return 0;
}

#undef REALS
#undef INTS
#undef MASK
