/* The loop over orbits in vector lanes: included once for each instruction set and formula.
 *
 * Needs the vectors of FRACTAL_NAME, and of the formula: LANES_NAME, LANES_NAME(step) and LANES_NAME(out), LANES_VECTORS in
 * flight, LANES_STEPS of a block (a power of two), LANES_SURE (see lanes_rules), and LANES_SKIPS: whether a repeat of z skips whole periods, because z
 * at the limit counts, or ends the orbit, because it is inside for ever. A formula may have a quicker test of all vectors at
 * once: LANES_NAME(size), never negative, whose sum over vectors is beyond LANES_CALM wherever one of them has escaped.
 *
 * A lane takes the next orbit as soon as its own has ended, and nothing that it does depends on its neighbours. Escape is
 * tested once in a block. An orbit that escaped leaves its lane as it was before the block, and is stepped again, among
 * others, to its exact end. Where many end young, they do so before any goes into a lane: lanes_blocks.h. */

#define REALS FRACTAL_NAME(reals)
#define UINTS FRACTAL_NAME(uints)
#define INTS FRACTAL_NAME(ints)
#define MASK FRACTAL_NAME(mask)
/* Vectors of orbits that do a block in lanes_blocks.h together. Measured on Zen 4: one of 512 bits is a twentieth faster than
 * two. */
#define LANES_FEW (FRACTAL_WIDTH == 8 ? 1 : LANES_TOGETHER)
#define LANES_ORBITS (LANES_FEW * FRACTAL_WIDTH)
/* For each vector v of which one lane is in a set, whose bits are those of all lanes in order. */
#define LANES_EACH(lanes)                                                                                              \
    for (int v; lanes && (v = __builtin_ctzll(lanes) / FRACTAL_WIDTH, 1);                                              \
         lanes &= ~(((UINT64_C(1) << FRACTAL_WIDTH) - 1) << v * FRACTAL_WIDTH))

/* The orbits in work. Times are in blocks, on the clock that all lanes share. */
struct LANES_NAME(lanes) {
    REALS x[LANES_VECTORS], y[LANES_VECTORS], cr[LANES_VECTORS], ci[LANES_VECTORS];
    REALS from_x[LANES_VECTORS], from_y[LANES_VECTORS]; /* z before the last block */
    REALS mark_x[LANES_VECTORS], mark_y[LANES_VECTORS]; /* the z that a repeat is looked for of, NaN without one */
    INTS id[LANES_VECTORS];
    INTS base[LANES_VECTORS];    /* LANES_STEPS times the clock, less this, is n */
    INTS end[LANES_VECTORS];     /* when less than a block is left to the limit */
    INTS start[LANES_VECTORS];   /* when the orbit came */
    INTS mark_at[LANES_VECTORS]; /* from when on it gets its next mark */
#if LANES_SKIPS
    INTS marked[LANES_VECTORS]; /* when it got the last */
#endif
    MASK out[LANES_VECTORS]; /* guarded: escaped in the last block */
};

/* A run: its lanes, where its orbits come from, and those that left the lanes. */
struct LANES_NAME(work) {
    struct LANES_NAME(lanes) lanes;
    const struct lanes_list *todo;
    const struct lanes_ends *ends;
    struct fractal_watch *watch;
    struct lanes_rules rules;
    struct lanes_list left;
    int64_t clock, next, gone;
    double left_reals[4][LANES_BATCH + LANES_SLACK];
    int64_t left_ints[2][LANES_BATCH + LANES_SLACK];
};

FRACTAL_INLINE INTS LANES_NAME(pick)(MASK which, INTS yes, INTS no) {
    return (INTS)FRACTAL_NAME(pick)(which, (REALS)yes, (REALS)no);
}

#include "lanes_blocks.h"

/* Puts the next orbits into some lanes of vector v. */
FRACTAL_INLINE void LANES_NAME(refill)(struct LANES_NAME(work) *w, int v, MASK free) {
    struct LANES_NAME(lanes) *s = &w->lanes;
    const struct lanes_list *todo = w->todo;
    const INTS now = FRACTAL_NAME(all_ints)(w->clock);
    const INTS n = (INTS)FRACTAL_NAME(spread)((const double *)todo->n + w->next, free, FRACTAL_NAME(all)(0.0));
    const INTS blocks = (INTS)((UINTS)(FRACTAL_NAME(all_ints)(w->rules.limit) - n) / LANES_STEPS);
    s->x[v] = FRACTAL_NAME(spread)(todo->x + w->next, free, s->x[v]);
    s->y[v] = FRACTAL_NAME(spread)(todo->y + w->next, free, s->y[v]);
    s->cr[v] = FRACTAL_NAME(spread)(todo->cr + w->next, free, s->cr[v]);
    s->ci[v] = FRACTAL_NAME(spread)(todo->ci + w->next, free, s->ci[v]);
    s->id[v] = (INTS)FRACTAL_NAME(spread)((const double *)todo->id + w->next, free, (REALS)s->id[v]);
    s->base[v] = LANES_NAME(pick)(free, now * LANES_STEPS - n, s->base[v]);
    s->end[v] = LANES_NAME(pick)(free, now + blocks, s->end[v]);
    s->start[v] = LANES_NAME(pick)(free, now, s->start[v]);
    /* An idle lane's n is far below zero, so that it gets no mark. */
    const MASK idle = FRACTAL_NAME(above)(FRACTAL_NAME(all_ints)(0), n);
    const INTS mark_at = LANES_NAME(pick)(idle, -n, now + LANES_PASS / 2);
    s->mark_at[v] = LANES_NAME(pick)(free, mark_at, s->mark_at[v]);
    s->mark_x[v] = FRACTAL_NAME(pick)(free, FRACTAL_NAME(all)(__builtin_nan("")), s->mark_x[v]);
    w->next += __builtin_popcount(FRACTAL_NAME(bits)(free));
}

#if LANES_SKIPS
/* Skips whole rounds of orbits that came back to their marks: only the rest of the last one is stepped. */
FRACTAL_TARGET static void LANES_NAME(skip)(struct LANES_NAME(work) *w, int v, unsigned back) {
    struct LANES_NAME(lanes) *s = &w->lanes;
    for (int l = 0; l < FRACTAL_WIDTH; l++) {
        if (!(back >> l & 1)) continue;
        const int64_t left = s->end[v][l] - w->clock, rest = left % (w->clock - s->marked[v][l]);
        s->end[v][l] -= left - rest;
        s->base[v][l] -= (left - rest) * LANES_STEPS;
        s->mark_x[v][l] = __builtin_nan("");
        s->mark_at[v][l] = -LANES_IDLE;
    }
}
#endif

/* Writes the ends of orbits that are where they end. */
FRACTAL_INLINE void LANES_NAME(close)(struct LANES_NAME(work) *w, int v, unsigned which, enum lanes_state state) {
    const struct LANES_NAME(lanes) *s = &w->lanes;
    for (; which; which &= which - 1) {
        const int l = __builtin_ctz(which);
        const int64_t id = s->id[v][l];
        w->ends->x[id] = s->x[v][l], w->ends->y[id] = s->y[v][l];
        w->ends->n[id] = w->clock * LANES_STEPS - s->base[v][l];
        w->ends->state[id] = state;
    }
}

/* Puts orbits down as to be stepped to their ends, those that are `out` from before the last block. */
FRACTAL_INLINE void LANES_NAME(leave)(struct LANES_NAME(work) *w, int v, MASK leaving, MASK out) {
    struct LANES_NAME(lanes) *s = &w->lanes;
    const INTS n = FRACTAL_NAME(all_ints)(w->clock * LANES_STEPS) - s->base[v];
    LANES_NAME(keep)(&w->left, leaving, FRACTAL_NAME(pick)(out, s->from_x[v], s->x[v]),
                     FRACTAL_NAME(pick)(out, s->from_y[v], s->y[v]), s->cr[v], s->ci[v],
                     LANES_NAME(pick)(out, n - LANES_STEPS, n), s->id[v]);
}

/* Lets the orbits of vector v leave that have ended, and the next come in their place. */
FRACTAL_INLINE void LANES_NAME(settle)(struct LANES_NAME(work) *w, int v) {
    struct LANES_NAME(lanes) *s = &w->lanes;
    const REALS x = s->x[v], y = s->y[v];
    const INTS now = FRACTAL_NAME(all_ints)(w->clock);
    /* Escaped within the last block, or led by it beyond the limit: both are stepped again. */
    const MASK out = FRACTAL_NAME(either)(w->rules.guarded ? s->out[v] : LANES_NAME(out)(x, y),
                                          FRACTAL_NAME(above)(now, s->end[v]));
    MASK back = FRACTAL_NAME(none)();
    if (w->rules.repeats) {
        back = FRACTAL_NAME(both)(FRACTAL_NAME(same)(x, s->mark_x[v]), FRACTAL_NAME(same)(y, s->mark_y[v]));
        back = FRACTAL_NAME(without)(back, out);
    }
#if LANES_SKIPS
    if (FRACTAL_NAME(any)(back)) LANES_NAME(skip)(w, v, FRACTAL_NAME(bits)(back));
    back = FRACTAL_NAME(none)();
#endif
    const MASK ended = FRACTAL_NAME(equal)(s->end[v], now);
    const MASK leaving = FRACTAL_NAME(without)(FRACTAL_NAME(either)(out, ended), back);
    if (!FRACTAL_NAME(any)(FRACTAL_NAME(either)(leaving, back))) return;
#if !LANES_SKIPS
    if (FRACTAL_NAME(any)(back)) LANES_NAME(close)(w, v, FRACTAL_NAME(bits)(back), LANES_INSIDE);
#endif
    LANES_NAME(leave)(w, v, leaving, out);
    w->watch->iterations -= LANES_STEPS * __builtin_popcount(FRACTAL_NAME(bits)(out));
    LANES_NAME(refill)(w, v, FRACTAL_NAME(either)(leaving, back));
}

/* The same where no lane has news but that its time is over. Nothing here waits for z: the processor goes on with the other
 * lanes meanwhile. */
FRACTAL_INLINE void LANES_NAME(expire)(struct LANES_NAME(work) *w, int v) {
    struct LANES_NAME(lanes) *s = &w->lanes;
    const INTS now = FRACTAL_NAME(all_ints)(w->clock);
    const INTS n = FRACTAL_NAME(all_ints)(w->clock * LANES_STEPS) - s->base[v];
    const MASK over = FRACTAL_NAME(above)(now, s->end[v]);
    const MASK there = FRACTAL_NAME(equal)(n, FRACTAL_NAME(all_ints)(w->rules.limit));
    const MASK short_of = FRACTAL_NAME(without)(FRACTAL_NAME(either)(over, FRACTAL_NAME(equal)(s->end[v], now)), there);
    LANES_NAME(close)(w, v, FRACTAL_NAME(bits)(there), LANES_RUNNING);
    if (FRACTAL_NAME(any)(short_of)) LANES_NAME(leave)(w, v, short_of, over);
    w->watch->iterations -= LANES_STEPS * __builtin_popcount(FRACTAL_NAME(bits)(over));
    LANES_NAME(refill)(w, v, FRACTAL_NAME(either)(short_of, there));
}

/* Sets the marks that are due. Each lies twice as far out as the one before (Brent). */
FRACTAL_TARGET static void LANES_NAME(mark)(struct LANES_NAME(work) *w) {
    struct LANES_NAME(lanes) *s = &w->lanes;
    const INTS now = FRACTAL_NAME(all_ints)(w->clock);
    for (int v = 0; v < LANES_VECTORS; v++) {
        const MASK later = FRACTAL_NAME(above)(s->mark_at[v], now);
        s->mark_x[v] = FRACTAL_NAME(pick)(later, s->mark_x[v], s->x[v]);
        s->mark_y[v] = FRACTAL_NAME(pick)(later, s->mark_y[v], s->y[v]);
        s->mark_at[v] = LANES_NAME(pick)(later, s->mark_at[v], now + (now - s->start[v]));
#if LANES_SKIPS
        s->marked[v] = LANES_NAME(pick)(later, s->marked[v], now);
#endif
    }
}

/* When the first lane comes to its end. */
FRACTAL_INLINE int64_t LANES_NAME(first_end)(const struct LANES_NAME(lanes) *s) {
    INTS least = s->end[0];
    for (int v = 1; v < LANES_VECTORS; v++)
        least = LANES_NAME(pick)(FRACTAL_NAME(above)(least, s->end[v]), s->end[v], least);
    int64_t first = least[0];
    for (int l = 1; l < FRACTAL_WIDTH; l++) first = least[l] < first ? least[l] : first;
    return first;
}

/* Runs orbits to their ends; nonzero if it was stopped. The two
 * constants are those of w->rules. */
FRACTAL_INLINE int LANES_NAME(run_as)(struct LANES_NAME(work) *w, const int repeats, const int guarded) {
    struct LANES_NAME(lanes) *s = &w->lanes;
    REALS x[LANES_VECTORS], y[LANES_VECTORS];
    MASK out[LANES_VECTORS];
    const int64_t count = w->todo->count;
    int64_t clock = 0, counted = 0, pass = repeats ? LANES_PASS : LANES_LOOK;
    for (int v = 0; v < LANES_VECTORS; v++)
        LANES_NAME(refill)(w, v, FRACTAL_NAME(equal)(FRACTAL_NAME(all_ints)(0), FRACTAL_NAME(all_ints)(0)));
    LANES_UNROLL for (int v = 0; v < LANES_VECTORS; v++) x[v] = s->x[v], y[v] = s->y[v];
    int64_t end = LANES_NAME(first_end)(s), due = end < pass ? end : pass;
    for (;;) {
        MASK news = FRACTAL_NAME(none)();
        LANES_UNROLL for (int v = 0; v < LANES_VECTORS; v++) {
            s->from_x[v] = x[v], s->from_y[v] = y[v];
            if (guarded) out[v] = FRACTAL_NAME(none)();
        }
        LANES_UNROLL for (int k = 0; k < LANES_STEPS; k++) {
            LANES_UNROLL for (int v = 0; v < LANES_VECTORS; v += LANES_TOGETHER)
                LANES_NAME(step)(x + v, y + v, s->cr + v, s->ci + v, LANES_TOGETHER);
            LANES_UNROLL for (int v = 0; guarded && v < LANES_VECTORS; v++)
                out[v] = FRACTAL_NAME(either)(out[v], LANES_NAME(out)(x[v], y[v]));
        }
        /* What may be news: settle looks closer. */
#ifdef LANES_CALM
        if (!guarded) {
            REALS sizes = LANES_NAME(size)(x[0], y[0]);
            LANES_UNROLL for (int v = 1; v < LANES_VECTORS; v++) sizes = sizes + LANES_NAME(size)(x[v], y[v]);
            news = FRACTAL_NAME(beyond)(sizes, FRACTAL_NAME(all)(LANES_CALM));
        }
        const int test = guarded;
#else
        const int test = 1;
#endif
        LANES_UNROLL for (int v = 0; v < LANES_VECTORS; v++) {
            if (test) news = FRACTAL_NAME(either)(news, guarded ? out[v] : LANES_NAME(out)(x[v], y[v]));
            if (repeats) news = FRACTAL_NAME(either)(news, FRACTAL_NAME(same)(x[v], s->mark_x[v]));
        }
        clock++;
        if (__builtin_expect(!FRACTAL_NAME(any)(news) && clock < due, 1)) continue;

        const int64_t live = (w->next < count ? w->next : count) - w->gone;
        const int64_t done = (clock - counted) * LANES_STEPS * live;
        const int64_t next = w->next;
        w->watch->iterations += done;
        counted = w->clock = clock;
        /* Which lanes have news, without a branch: which of them have is as good as random. */
        const INTS beyond = FRACTAL_NAME(all_ints)(clock + 1);
        uint64_t over = 0, lanes = 0;
        LANES_UNROLL for (int v = 0; v < LANES_VECTORS; v++) {
            s->x[v] = x[v], s->y[v] = y[v];
            over |= (uint64_t)FRACTAL_NAME(bits)(FRACTAL_NAME(above)(beyond, s->end[v])) << v * FRACTAL_WIDTH;
        }
        const int ended = clock >= end;
        if (!FRACTAL_NAME(any)(news)) {
            LANES_EACH(over) LANES_NAME(expire)(w, v);
        } else {
            LANES_UNROLL for (int v = 0; v < LANES_VECTORS; v++) {
                if (guarded) s->out[v] = out[v];
                MASK which = guarded ? out[v] : LANES_NAME(out)(x[v], y[v]);
                if (repeats) which = FRACTAL_NAME(either)(which, FRACTAL_NAME(same)(x[v], s->mark_x[v]));
                lanes |= (uint64_t)FRACTAL_NAME(bits)(which) << v * FRACTAL_WIDTH;
            }
            lanes |= over;
            LANES_EACH(lanes) LANES_NAME(settle)(w, v);
        }
        w->gone += w->next - next;
        if (w->next > next && clock + w->rules.least < end) end = clock + w->rules.least;
        if (w->gone == count) break;
        if (clock == pass) {
            pass += repeats ? LANES_PASS : LANES_LOOK;
            if (repeats) LANES_NAME(mark)(w);
        }
        if (w->left.count >= LANES_BATCH) {
            LANES_NAME(finish)(&w->left, w->ends, w->rules.limit, w->watch);
            w->left.count = 0;
        }
        if (fractal_look(w->watch, done, 0)) return 1;
        if (ended || LANES_SKIPS) end = LANES_NAME(first_end)(s);
        due = end < pass ? end : pass;
        LANES_UNROLL for (int v = 0; v < LANES_VECTORS; v++) x[v] = s->x[v], y[v] = s->y[v];
    }
    LANES_NAME(finish)(&w->left, w->ends, w->rules.limit, w->watch);
    return 0;
}

/* Runs the orbits of a window to their ends, those that are left of it in a list; nonzero if it was stopped. */
FRACTAL_TARGET static int LANES_NAME(run)(const struct lanes_window *window, struct lanes_list *todo,
                                          const struct lanes_rules *rules, const struct lanes_sieve *sieve,
                                          struct fractal_watch *watch) {
    const struct lanes_ends ends = {window->x, window->y, window->n, window->state};
    if (LANES_NAME(thin)(todo, &ends, rules, sieve->last, watch)) return 1;
    if (todo->count == 0) return 0;
    lanes_pad(todo, LANES_SLACK, LANES_IDLE);
    struct LANES_NAME(work) w = {.todo = todo, .ends = &ends, .watch = watch, .rules = *rules};
    w.left = (struct lanes_list){w.left_reals[0], w.left_reals[1], w.left_reals[2], w.left_reals[3],
                                 w.left_ints[0], w.left_ints[1], 0};
    if (rules->guarded) return rules->repeats ? LANES_NAME(run_as)(&w, 1, 1) : LANES_NAME(run_as)(&w, 0, 1);
    return rules->repeats ? LANES_NAME(run_as)(&w, 1, 0) : LANES_NAME(run_as)(&w, 0, 0);
}

#undef REALS
#undef UINTS
#undef INTS
#undef MASK
#undef LANES_FEW
#undef LANES_ORBITS
#undef LANES_EACH
