/* Single blocks of many orbits, each step tested: included by lanes_loop.h, once for each instruction set and formula.
 *
 * So end the orbits that left the lanes; and so begin all of them where many end young: in their order they cost no lane a
 * refill, and the processor no wait for an answer. */

/* A few vectors of orbits: z, c, the steps to the limit (none for those that have ended), and the steps of this block. */
struct LANES_NAME(few) {
    REALS x[LANES_FEW], y[LANES_FEW], cr[LANES_FEW], ci[LANES_FEW];
    INTS left[LANES_FEW], steps[LANES_FEW];
};

/* Steps each on until it is outside, or has done a block or `left`. Not `limited`: `left` is a block at least, or nothing.
 * `x` and `y` are z after `before` steps, none of which led outside. */
FRACTAL_INLINE void LANES_NAME(walk)(struct LANES_NAME(few) *few, REALS *x, REALS *y, const int before, const int limited) {
    MASK done[LANES_FEW];
    LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
        done[g] = FRACTAL_NAME(above)(FRACTAL_NAME(all_ints)(1), few->left[g]);
        few->steps[g] = LANES_NAME(pick)(done[g], FRACTAL_NAME(all_ints)(LANES_STEPS - before),
                                         FRACTAL_NAME(all_ints)(LANES_STEPS));
    }
    /* z runs on where it has ended: nothing waits for the tests. */
    LANES_UNROLL for (int k = before + 1; k <= LANES_STEPS; k++) {
        LANES_NAME(step)(x, y, few->cr, few->ci, LANES_FEW);
        LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
            few->x[g] = FRACTAL_NAME(pick)(done[g], few->x[g], x[g]);
            few->y[g] = FRACTAL_NAME(pick)(done[g], few->y[g], y[g]);
            few->steps[g] = FRACTAL_NAME(count)(few->steps[g], done[g]);
            done[g] = FRACTAL_NAME(either)(done[g], LANES_NAME(out)(x[g], y[g]));
            if (limited)
                done[g] = FRACTAL_NAME(either)(done[g], FRACTAL_NAME(equal)(few->left[g], FRACTAL_NAME(all_ints)(k)));
        }
    }
}

/* Steps each through half a block; whether one was led outside, or one is. */
FRACTAL_INLINE int LANES_NAME(stroll)(const struct LANES_NAME(few) *few, REALS *x, REALS *y) {
    MASK out = FRACTAL_NAME(none)();
    LANES_UNROLL for (int k = 1; k <= LANES_STEPS / 2; k++) LANES_NAME(step)(x, y, few->cr, few->ci, LANES_FEW);
    LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) out = FRACTAL_NAME(either)(out, LANES_NAME(out)(x[g], y[g]));
    return FRACTAL_NAME(any)(out);
}

/* Steps each through a block, as `walk`. `calm`: hardly one is outside before its middle, and if so, it stays there. */
FRACTAL_INLINE void LANES_NAME(pass)(struct LANES_NAME(few) *few, const int calm) {
    REALS x[LANES_FEW], y[LANES_FEW];
    MASK near = FRACTAL_NAME(none)(); /* some steps to the limit, but not a block */
    LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
        const MASK some = FRACTAL_NAME(above)(few->left[g], FRACTAL_NAME(all_ints)(0));
        const MASK short_of = FRACTAL_NAME(above)(FRACTAL_NAME(all_ints)(LANES_STEPS), few->left[g]);
        near = FRACTAL_NAME(either)(near, FRACTAL_NAME(both)(some, short_of));
        x[g] = few->x[g], y[g] = few->y[g];
    }
    if (__builtin_expect(FRACTAL_NAME(any)(near), 0)) {
        LANES_NAME(walk)(few, x, y, 0, 1);
        return;
    }
    if (calm && !LANES_NAME(stroll)(few, x, y)) {
        LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
            const MASK done = FRACTAL_NAME(above)(FRACTAL_NAME(all_ints)(1), few->left[g]);
            few->x[g] = FRACTAL_NAME(pick)(done, few->x[g], x[g]), few->y[g] = FRACTAL_NAME(pick)(done, few->y[g], y[g]);
        }
        LANES_NAME(walk)(few, x, y, LANES_STEPS / 2, 0);
        return;
    }
    LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) x[g] = few->x[g], y[g] = few->y[g];
    LANES_NAME(walk)(few, x, y, 0, 0);
}

/* Adds some orbits of a vector to a list. */
FRACTAL_INLINE void LANES_NAME(keep)(struct lanes_list *list, MASK which, REALS x, REALS y, REALS cr, REALS ci, INTS n,
                                     INTS id) {
    const int64_t at = list->count;
    FRACTAL_NAME(gather)(list->x + at, which, x), FRACTAL_NAME(gather)(list->y + at, which, y);
    FRACTAL_NAME(gather)(list->cr + at, which, cr), FRACTAL_NAME(gather)(list->ci + at, which, ci);
    FRACTAL_NAME(gather)((double *)list->n + at, which, (REALS)n);
    FRACTAL_NAME(gather)((double *)list->id + at, which, (REALS)id);
    list->count += __builtin_popcount(FRACTAL_NAME(bits)(which));
}

/* Of some vectors after a block: which go on. */
FRACTAL_INLINE MASK LANES_NAME(going)(const struct LANES_NAME(few) *few, int g, MASK out) {
    return FRACTAL_NAME(without)(FRACTAL_NAME(above)(few->left[g], FRACTAL_NAME(all_ints)(LANES_STEPS)), out);
}

/* Lets the orbits of a list do a block; writes what became of them. `sifting`: keeps those that go on in the list. */
FRACTAL_INLINE void LANES_NAME(block)(struct lanes_list *list, const struct lanes_ends *ends, int64_t limit,
                                      struct fractal_watch *watch, const int sifting) {
    INTS total = FRACTAL_NAME(all_ints)(0);
    const int64_t count = list->count;
    lanes_pad(list, LANES_ORBITS - 1, limit);
    if (sifting) list->count = 0; /* what is kept is behind what was read */
    for (int64_t first = 0; first < count; first += LANES_ORBITS) {
        struct LANES_NAME(few) few;
        INTS id[LANES_FEW];
        int64_t ids[LANES_ORBITS];
        LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
            const int64_t i = first + g * FRACTAL_WIDTH;
            few.x[g] = FRACTAL_NAME(load)(list->x + i), few.y[g] = FRACTAL_NAME(load)(list->y + i);
            few.cr[g] = FRACTAL_NAME(load)(list->cr + i), few.ci[g] = FRACTAL_NAME(load)(list->ci + i);
            few.left[g] = limit - FRACTAL_NAME(load_ints)(list->n + i);
            id[g] = FRACTAL_NAME(load_ints)(list->id + i);
            FRACTAL_NAME(store_ints)(ids + g * FRACTAL_WIDTH, id[g]);
        }
        LANES_NAME(pass)(&few, 0);
        double end_x[LANES_ORBITS], end_y[LANES_ORBITS];
        int64_t end_n[LANES_ORBITS], state[LANES_ORBITS];
        LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
            const int at = g * FRACTAL_WIDTH;
            const MASK out = LANES_NAME(out)(few.x[g], few.y[g]);
            const INTS n = limit - few.left[g] + few.steps[g];
            total += few.steps[g];
            FRACTAL_NAME(store)(end_x + at, few.x[g]), FRACTAL_NAME(store)(end_y + at, few.y[g]);
            FRACTAL_NAME(store_ints)(end_n + at, n);
            FRACTAL_NAME(store_ints)(state + at, LANES_NAME(pick)(out, FRACTAL_NAME(all_ints)(LANES_ESCAPED),
                                                                  FRACTAL_NAME(all_ints)(LANES_RUNNING)));
            if (sifting)
                LANES_NAME(keep)(list, LANES_NAME(going)(&few, g, out), few.x[g], few.y[g], few.cr[g], few.ci[g], n, id[g]);
        }
        const int64_t here = count - first < LANES_ORBITS ? count - first : LANES_ORBITS;
        for (int64_t l = 0; l < here; l++)
            ends->x[ids[l]] = end_x[l], ends->y[ids[l]] = end_y[l], ends->n[ids[l]] = end_n[l], ends->state[ids[l]] = state[l];
    }
    for (int l = 0; l < FRACTAL_WIDTH; l++) watch->iterations += total[l];
}

/* Brings orbits that left the lanes to their ends, which are less than a block away. */
FRACTAL_TARGET static void LANES_NAME(finish)(struct lanes_list *list, const struct lanes_ends *ends, int64_t limit,
                                              struct fractal_watch *watch) {
    LANES_NAME(block)(list, ends, limit, watch, 0);
}

/* Moves on to a list those orbits of a window, from `first` up to `last`, that run. `sifting`: lets them do a block before,
 * and writes what became of them. How many were kept. */
FRACTAL_INLINE int64_t LANES_NAME(pick_up)(const struct lanes_window *window, int64_t first, int64_t last,
                                           struct lanes_list *list, const struct lanes_rules *rules,
                                           struct fractal_watch *watch, const int sifting, const int calm) {
    const int64_t before = list->count;
    INTS total = FRACTAL_NAME(all_ints)(0), id = FRACTAL_NAME(all_ints)(first);
    for (int l = 0; l < FRACTAL_WIDTH; l++) id[l] += l;
    for (; first < last; first += LANES_ORBITS) {
        struct LANES_NAME(few) few;
        INTS n[LANES_FEW], state[LANES_FEW];
        MASK runs[LANES_FEW];
        LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
            const int64_t i = first + g * FRACTAL_WIDTH;
            few.x[g] = FRACTAL_NAME(load)(window->x + i), few.y[g] = FRACTAL_NAME(load)(window->y + i);
            few.cr[g] = FRACTAL_NAME(load)(window->cr + i), few.ci[g] = FRACTAL_NAME(load)(window->ci + i);
            n[g] = FRACTAL_NAME(load_ints)(window->n + i), state[g] = FRACTAL_NAME(load_ints)(window->state + i);
            runs[g] = FRACTAL_NAME(equal)(state[g], FRACTAL_NAME(all_ints)(LANES_RUNNING));
            few.left[g] = LANES_NAME(pick)(runs[g], rules->limit - n[g], FRACTAL_NAME(all_ints)(0));
        }
        if (sifting) LANES_NAME(pass)(&few, calm);
        LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
            const int64_t i = first + g * FRACTAL_WIDTH;
            if (sifting) {
                const MASK out = LANES_NAME(out)(few.x[g], few.y[g]);
                n[g] += few.steps[g], total += few.steps[g];
                FRACTAL_NAME(store)(window->x + i, few.x[g]), FRACTAL_NAME(store)(window->y + i, few.y[g]);
                FRACTAL_NAME(store_ints)(window->n + i, n[g]);
                FRACTAL_NAME(store_ints)(window->state + i,
                                         LANES_NAME(pick)(out, FRACTAL_NAME(all_ints)(LANES_ESCAPED), state[g]));
                runs[g] = LANES_NAME(going)(&few, g, out);
            }
            LANES_NAME(keep)(list, runs[g], few.x[g], few.y[g], few.cr[g], few.ci[g], n[g], id);
            id += FRACTAL_WIDTH;
        }
    }
    for (int l = 0; sifting && l < FRACTAL_WIDTH; l++) watch->iterations += total[l];
    return list->count - before;
}

/* Makes a list of the orbits of a window that run, and lets those that end soon do so, where they are many; nonzero if it
 * was stopped. */
FRACTAL_TARGET static int LANES_NAME(sift)(const struct lanes_window *window, struct lanes_list *list,
                                           const struct lanes_rules *rules, struct fractal_watch *watch) {
    const struct lanes_ends ends = {window->x, window->y, window->n, window->state};
    int many = 0, some = 0;
    for (int64_t first = 0, piece = 0; first < window->count; first += LANES_PIECE, piece++) {
        const int64_t rest = window->count - first, last = first + (rest < LANES_PIECE ? rest : LANES_PIECE);
        if (!many && piece % LANES_PROBE != 0) {
            LANES_NAME(pick_up)(window, first, last, list, rules, watch, 0, 0);
            continue;
        }
        const int64_t kept = rules->guarded ? LANES_NAME(pick_up)(window, first, last, list, rules, watch, 1, 0)
                                            : LANES_NAME(pick_up)(window, first, last, list, rules, watch, 1, 1);
        many = (last - first - kept) * LANES_WORTH > last - first;
        some |= many;
        if (fractal_look(watch, LANES_STEPS * (last - first), 0)) return 1;
    }
    while (some && list->count > 0) {
        const int64_t before = list->count;
        LANES_NAME(block)(list, &ends, rules->limit, watch, 1);
        some = (before - list->count) * LANES_WORTH > before;
        if (fractal_look(watch, LANES_STEPS * before, 0)) return 1;
    }
    return 0;
}
