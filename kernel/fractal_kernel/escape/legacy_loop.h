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
#include "lanes_loop.h"
#undef LANES_SKIPS

#define REALS FRACTAL_NAME(reals)
#define INTS FRACTAL_NAME(ints)
#define MASK FRACTAL_NAME(mask)

/* Runs the samples of the next pixels to their ends; nonzero if it was stopped. */
FRACTAL_TARGET static int LANES_NAME(run_window)(const legacy_picture *p, struct samples_window *w, int64_t pixels,
                                                 struct samples_cursor *cursor, const struct samples_raster *raster,
                                                 struct fractal_watch *watch) {
    const int64_t count = pixels * raster->side * raster->side;
    const struct lanes_window orbits = samples_orbits(w, count);
    struct lanes_list todo = samples_todo(w);
    FRACTAL_NAME(begin)(&p->view, raster, w, pixels, cursor);
    MASK doubt = FRACTAL_NAME(none)();
    for (int64_t i = 0; i < count; i += FRACTAL_WIDTH) {
        const REALS x = FRACTAL_NAME(load)(w->x + i), y = FRACTAL_NAME(load)(w->y + i);
        doubt = FRACTAL_NAME(either)(doubt, LANES_NAME(doubt)(FRACTAL_NAME(load)(w->cr + i), FRACTAL_NAME(load)(w->ci + i)));
        FRACTAL_NAME(store_ints)(w->state + i, LANES_NAME(pick)(LANES_NAME(out)(x, y), FRACTAL_NAME(all_ints)(LANES_ESCAPED),
                                                                FRACTAL_NAME(all_ints)(LANES_RUNNING)));
    }
    for (int64_t i = count; i < count + LANES_SLACK; i++) w->state[i] = LANES_INSIDE;
    const double norm = p->view.julia_re * p->view.julia_re + p->view.julia_im * p->view.julia_im;
    const int guarded = p->view.julia ? !(norm < LEGACY_ESCAPE - LEGACY_DOUBT) : FRACTAL_NAME(any)(doubt);
    const struct lanes_rules rules = {p->max_iterations, p->max_iterations / LANES_STEPS, 1, guarded};
    return LANES_NAME(run)(&orbits, &todo, rules, watch);
}

#undef REALS
#undef INTS
#undef MASK
