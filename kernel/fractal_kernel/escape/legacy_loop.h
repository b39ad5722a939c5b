/* The orbits of Legacy pictures, for one instruction set: included by legacy.h behind its vectors. Nothing is fused. */

#include "samples_loop.h"

#define REALS FRACTAL_NAME(reals)
#define INTS FRACTAL_NAME(ints)
#define MASK FRACTAL_NAME(mask)

/* z ← z² + c, of some vectors. Their operations alternate, as Grid's do. The earlier system's 2·x·y is x·(y + y) to the
 * bit. */
FRACTAL_INLINE void LANES_NAME(step)(REALS *x, REALS *y, const REALS *cr, const REALS *ci, const int vectors) {
    REALS x2[LANES_VECTORS], y2[LANES_VECTORS], twice[LANES_VECTORS];
    LANES_UNROLL for (int v = 0; v < vectors; v++) y2[v] = y[v] * y[v];
    LANES_UNROLL for (int v = 0; v < vectors; v++) twice[v] = y[v] + y[v];
    LANES_UNROLL for (int v = 0; v < vectors; v++) x2[v] = x[v] * x[v];
    LANES_UNROLL for (int v = 0; v < vectors; v++) y[v] = x[v] * twice[v] + ci[v];
    LANES_UNROLL for (int v = 0; v < vectors; v++) x[v] = x2[v] - y2[v] + cr[v];
}

/* Which have escaped. */
FRACTAL_INLINE MASK LANES_NAME(out)(REALS x, REALS y) {
    return FRACTAL_NAME(not_below)(x * x + y * y, FRACTAL_NAME(all)(LEGACY_ESCAPE));
}

/* Where it is in doubt whether an orbit outside stays there. */
FRACTAL_INLINE MASK LANES_NAME(doubt)(REALS cr, REALS ci) {
    const REALS off = cr * cr + ci * ci - LEGACY_ESCAPE, doubt = FRACTAL_NAME(all)(LEGACY_DOUBT);
    const MASK far = FRACTAL_NAME(either)(FRACTAL_NAME(beyond)(off, doubt), FRACTAL_NAME(beyond)(-off, doubt));
    return FRACTAL_NAME(without)(FRACTAL_NAME(equal)((INTS)off, (INTS)off), far);
}

#define LANES_SKIPS 1
#define LANES_SURE 0
#include "lanes_loop.h"
#undef LANES_SKIPS
#undef LANES_SURE

#define REALS FRACTAL_NAME(reals)
#define INTS FRACTAL_NAME(ints)
#define MASK FRACTAL_NAME(mask)

/* Says of a piece of a window which of its orbits run. Whether it is in doubt of one whether it stays outside. */
FRACTAL_INLINE int LANES_NAME(judge)(struct samples_window *w, int64_t first, int64_t last) {
    MASK doubt = FRACTAL_NAME(none)();
    for (int64_t i = first; i < last; i += FRACTAL_WIDTH) {
        const REALS x = FRACTAL_NAME(load)(w->x + i), y = FRACTAL_NAME(load)(w->y + i);
        doubt = FRACTAL_NAME(either)(doubt, LANES_NAME(doubt)(FRACTAL_NAME(load)(w->cr + i), FRACTAL_NAME(load)(w->ci + i)));
        FRACTAL_NAME(store_ints)(w->state + i, LANES_NAME(pick)(LANES_NAME(out)(x, y), FRACTAL_NAME(all_ints)(LANES_ESCAPED),
                                                                FRACTAL_NAME(all_ints)(LANES_RUNNING)));
    }
    samples_bound(w, last);
    return FRACTAL_NAME(any)(doubt);
}

/* Runs the samples of the next pixels to their ends; nonzero if it was stopped. */
FRACTAL_TARGET static int LANES_NAME(run_window)(const legacy_picture *p, struct samples_window *w, int64_t pixels,
                                                 struct samples_cursor *cursor, const struct samples_raster *raster,
                                                 struct fractal_watch *watch) {
    const int64_t samples = raster->side * raster->side, count = pixels * samples, piece = LANES_PIECE / samples * samples;
    const struct lanes_window orbits = samples_orbits(w, count);
    struct lanes_list todo = samples_todo(w);
    struct lanes_sieve sieve = {0};
    const double norm = p->view.julia_re * p->view.julia_re + p->view.julia_im * p->view.julia_im;
    const int outside_stays = norm < LEGACY_ESCAPE - LEGACY_DOUBT;
    struct lanes_rules rules = {p->max_iterations, p->max_iterations / LANES_STEPS, 1, 0, 0};
    for (int64_t first = 0; first < count; first += piece) {
        const int64_t last = count - first < piece ? count : first + piece;
        FRACTAL_NAME(begin)(&p->view, raster, w, first, last, cursor);
        const int doubt = LANES_NAME(judge)(w, first, last);
        rules.guarded |= p->view.julia ? !outside_stays : doubt;
        if (LANES_NAME(sift)(&orbits, first, last, &todo, &rules, &sieve, watch)) return 1;
    }
    return LANES_NAME(run)(&orbits, &todo, &rules, &sieve, watch);
}

#undef REALS
#undef INTS
#undef MASK
