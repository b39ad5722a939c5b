/* Single blocks of many orbits, each step tested: included by lanes_loop.h, once for each instruction set and formula.
 *
 * So end the orbits that left the lanes; and so begin all of them where many end young: in their order they cost no lane a
 * refill, and neighbours end together, so that a block ends with them. */

/* A few vectors of orbits: z, c, the steps to the limit (none for those that have ended), and the steps of this block. */
struct LANES_NAME(few) {
    REALS x[LANES_FEW], y[LANES_FEW], cr[LANES_FEW], ci[LANES_FEW];
    INTS left[LANES_FEW], steps[LANES_FEW];
    MASK out[LANES_FEW]; /* outside after this block */
};

/* Steps each on until it is outside, or has done a block or `left`. */
FRACTAL_INLINE void LANES_NAME(walk)(struct LANES_NAME(few) *few) {
    REALS x[LANES_FEW], y[LANES_FEW];
    MASK done[LANES_FEW];
    LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
        x[g] = few->x[g], y[g] = few->y[g];
        done[g] = FRACTAL_NAME(above)(FRACTAL_NAME(all_ints)(1), few->left[g]);
        few->steps[g] = FRACTAL_NAME(all_ints)(LANES_STEPS);
    }
    /* z runs on where it has ended: nothing waits for the tests. */
    LANES_UNROLL for (int k = 1; k <= LANES_STEPS; k++) {
        LANES_NAME(step)(x, y, few->cr, few->ci, LANES_FEW);
        LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
            few->x[g] = FRACTAL_NAME(pick)(done[g], few->x[g], x[g]);
            few->y[g] = FRACTAL_NAME(pick)(done[g], few->y[g], y[g]);
            few->steps[g] = FRACTAL_NAME(count)(few->steps[g], done[g]);
            done[g] = FRACTAL_NAME(either)(done[g], LANES_NAME(out)(x[g], y[g]));
            done[g] = FRACTAL_NAME(either)(done[g], FRACTAL_NAME(equal)(few->left[g], FRACTAL_NAME(all_ints)(k)));
        }
    }
    LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) few->out[g] = LANES_NAME(out)(few->x[g], few->y[g]);
}

/* The same in less time, where `left` is a block at least, or nothing, where an orbit outside stays there, and none is
 * within the first `sure` steps. */
FRACTAL_INLINE void LANES_NAME(stride)(struct LANES_NAME(few) *few, const int sure) {
    REALS x[LANES_FEW], y[LANES_FEW], end_x[LANES_FEW], end_y[LANES_FEW];
    MASK runs[LANES_FEW], out[LANES_FEW];
    LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
        x[g] = few->x[g], y[g] = few->y[g], end_x[g] = end_y[g] = FRACTAL_NAME(all)(0.0);
        few->steps[g] = FRACTAL_NAME(all_ints)(LANES_STEPS), out[g] = FRACTAL_NAME(none)();
        runs[g] = FRACTAL_NAME(above)(few->left[g], FRACTAL_NAME(all_ints)(0));
    }
    LANES_UNROLL for (int k = 1; k <= LANES_STEPS; k++) {
        LANES_NAME(step)(x, y, few->cr, few->ci, LANES_FEW);
        if (k <= sure) continue;
        MASK live = FRACTAL_NAME(none)();
        LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
            const MASK before = out[g];
            out[g] = LANES_NAME(out)(x[g], y[g]);
            const MASK now = k == sure + 1 ? out[g] : FRACTAL_NAME(without)(out[g], before);
            end_x[g] = FRACTAL_NAME(put)(end_x[g], now, x[g]), end_y[g] = FRACTAL_NAME(put)(end_y[g], now, y[g]);
            live = FRACTAL_NAME(either)(live, FRACTAL_NAME(without)(runs[g], out[g]));
        }
        if (k == LANES_STEPS) break;
        if (!FRACTAL_NAME(any)(live)) {
            LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) few->steps[g] -= LANES_STEPS - k;
            break;
        }
        LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) few->steps[g] = FRACTAL_NAME(count)(few->steps[g], out[g]);
    }
    LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
        few->x[g] = FRACTAL_NAME(pick)(runs[g], FRACTAL_NAME(pick)(out[g], end_x[g], x[g]), few->x[g]);
        few->y[g] = FRACTAL_NAME(pick)(runs[g], FRACTAL_NAME(pick)(out[g], end_y[g], y[g]), few->y[g]);
        few->steps[g] = LANES_NAME(pick)(runs[g], few->steps[g], FRACTAL_NAME(all_ints)(0));
        few->out[g] = FRACTAL_NAME(both)(runs[g], out[g]);
    }
}

/* Steps each through a block, as `walk`. The other two say when it may be quicker. */
FRACTAL_INLINE void LANES_NAME(pass)(struct LANES_NAME(few) *few, const int guarded, const int sure) {
    MASK near = FRACTAL_NAME(none)(); /* some steps to the limit, but not a block */
    LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
        const MASK some = FRACTAL_NAME(above)(few->left[g], FRACTAL_NAME(all_ints)(0));
        const MASK short_of = FRACTAL_NAME(above)(FRACTAL_NAME(all_ints)(LANES_STEPS), few->left[g]);
        near = FRACTAL_NAME(either)(near, FRACTAL_NAME(both)(some, short_of));
    }
    if (guarded || __builtin_expect(FRACTAL_NAME(any)(near), 0)) LANES_NAME(walk)(few);
    else LANES_NAME(stride)(few, sure);
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
FRACTAL_INLINE MASK LANES_NAME(going)(const struct LANES_NAME(few) *few, int g) {
    return FRACTAL_NAME(without)(FRACTAL_NAME(above)(few->left[g], FRACTAL_NAME(all_ints)(LANES_STEPS)), few->out[g]);
}

/* Lets the orbits of a list do a block; writes what became of them. `sifting`: keeps those that go on in the list. */
FRACTAL_INLINE void LANES_NAME(block)(struct lanes_list *list, const struct lanes_ends *ends, int64_t limit,
                                      struct fractal_watch *watch, const int guarded, const int sifting) {
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
        LANES_NAME(pass)(&few, guarded, 0);
        double end_x[LANES_ORBITS], end_y[LANES_ORBITS];
        int64_t end_n[LANES_ORBITS], state[LANES_ORBITS];
        LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
            const int at = g * FRACTAL_WIDTH;
            const INTS n = limit - few.left[g] + few.steps[g];
            total += few.steps[g];
            FRACTAL_NAME(store)(end_x + at, few.x[g]), FRACTAL_NAME(store)(end_y + at, few.y[g]);
            FRACTAL_NAME(store_ints)(end_n + at, n);
            FRACTAL_NAME(store_ints)(state + at, LANES_NAME(pick)(few.out[g], FRACTAL_NAME(all_ints)(LANES_ESCAPED),
                                                                  FRACTAL_NAME(all_ints)(LANES_RUNNING)));
            if (sifting)
                LANES_NAME(keep)(list, LANES_NAME(going)(&few, g), few.x[g], few.y[g], few.cr[g], few.ci[g], n, id[g]);
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
    LANES_NAME(block)(list, ends, limit, watch, 1, 0);
}

/* Moves on to a list those orbits of a window, from `first` up to `last`, that run. `sifting`: lets them do a few blocks
 * before, and writes what became of them. How many went into their last block, and how many of those go on. */
FRACTAL_INLINE struct lanes_tally LANES_NAME(pick_up)(const struct lanes_window *window, int64_t first, int64_t last,
                                                      struct lanes_list *list, const struct lanes_rules *rules,
                                                      struct fractal_watch *watch, const int sifting, const int guarded,
                                                      const int sure) {
    struct lanes_tally tally = {.tried = 0, .kept = -list->count};
    INTS total = FRACTAL_NAME(all_ints)(0), tried = total, id = FRACTAL_NAME(all_ints)(first);
    for (int l = 0; l < FRACTAL_WIDTH; l++) id[l] += l;
    for (; first < last; first += LANES_ORBITS, id += LANES_ORBITS) {
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
        if (sifting) {
            for (int block = 0;;) {
                if (block == 0) LANES_NAME(pass)(&few, guarded, sure);
                else LANES_NAME(pass)(&few, guarded, 0);
                MASK some = FRACTAL_NAME(none)();
                LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
                    runs[g] = LANES_NAME(going)(&few, g);
                    some = FRACTAL_NAME(either)(some, runs[g]);
                    n[g] += few.steps[g], total += few.steps[g];
                    state[g] = LANES_NAME(pick)(few.out[g], FRACTAL_NAME(all_ints)(LANES_ESCAPED), state[g]);
                }
                if (++block == LANES_BLOCKS) {
                    LANES_UNROLL for (int g = 0; g < LANES_FEW; g++)
                        tried = FRACTAL_NAME(count)(tried, FRACTAL_NAME(above)(few.left[g], FRACTAL_NAME(all_ints)(0)));
                    break;
                }
                if (!FRACTAL_NAME(any)(some)) break;
                LANES_UNROLL for (int g = 0; g < LANES_FEW; g++)
                    few.left[g] = LANES_NAME(pick)(runs[g], few.left[g] - LANES_STEPS, FRACTAL_NAME(all_ints)(0));
            }
            LANES_UNROLL for (int g = 0; g < LANES_FEW; g++) {
                const int64_t i = first + g * FRACTAL_WIDTH;
                FRACTAL_NAME(store)(window->x + i, few.x[g]), FRACTAL_NAME(store)(window->y + i, few.y[g]);
                FRACTAL_NAME(store_ints)(window->n + i, n[g]), FRACTAL_NAME(store_ints)(window->state + i, state[g]);
            }
        }
        LANES_UNROLL for (int g = 0; g < LANES_FEW; g++)
            if (!sifting || FRACTAL_NAME(any)(runs[g]))
                LANES_NAME(keep)(list, runs[g], few.x[g], few.y[g], few.cr[g], few.ci[g], n[g], id + g * FRACTAL_WIDTH);
    }
    for (int l = 0; sifting && l < FRACTAL_WIDTH; l++) watch->iterations += total[l], tally.tried -= tried[l];
    tally.kept += list->count;
    return tally;
}

/* Adds the orbits of a piece of a window that run to a list, and lets those that end soon do so before, where they are many;
 * nonzero if it was stopped. */
FRACTAL_TARGET static int LANES_NAME(sift)(const struct lanes_window *window, int64_t first, int64_t last,
                                           struct lanes_list *list, const struct lanes_rules *rules,
                                           struct lanes_sieve *sieve, struct fractal_watch *watch) {
    if (!sieve->many && sieve->pieces++ % LANES_PROBE != 0) {
        LANES_NAME(pick_up)(window, first, last, list, rules, watch, 0, 0, 0);
        return 0;
    }
    const struct lanes_tally tally =
        rules->guarded ? LANES_NAME(pick_up)(window, first, last, list, rules, watch, 1, 1, 0)
        : rules->sure  ? LANES_NAME(pick_up)(window, first, last, list, rules, watch, 1, 0, LANES_SURE)
                       : LANES_NAME(pick_up)(window, first, last, list, rules, watch, 1, 0, 0);
    sieve->many = (last - first - tally.kept) * LANES_WORTH > last - first;
    sieve->last.tried += tally.tried, sieve->last.kept += tally.kept;
    return fractal_look(watch, LANES_BLOCKS * LANES_STEPS * (last - first), 0);
}

/* Lets the orbits of a list end that do so soon, while they are many; nonzero if it was stopped. */
FRACTAL_INLINE int LANES_NAME(thin)(struct lanes_list *list, const struct lanes_ends *ends, const struct lanes_rules *rules,
                                    struct lanes_tally last, struct fractal_watch *watch) {
    while (list->count > 0 && (last.tried - last.kept) * LANES_WORTH > last.tried) {
        last.tried = list->count;
        if (rules->guarded) LANES_NAME(block)(list, ends, rules->limit, watch, 1, 1);
        else LANES_NAME(block)(list, ends, rules->limit, watch, 0, 1);
        last.kept = list->count;
        if (fractal_look(watch, LANES_STEPS * last.tried, 0)) return 1;
    }
    return 0;
}
