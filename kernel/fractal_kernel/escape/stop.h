/* What a loop without the GIL shares with its watchers: `int64_t control[2]`, the stop flag and the iterations done.
 *
 * The Python side is control.py. Relaxed atomics suffice: neither word guards other memory. */

#ifndef FRACTAL_STOP_H
#define FRACTAL_STOP_H

#include <stdint.h>

/* The most iterations between two looks at the control: 0.1 to 0.4 ms of one sample at a time; a millisecond is allowed. */
#define FRACTAL_CHUNK 65536
/* What a sample costs besides, in iterations: counted for the stop flag only. */
#define FRACTAL_OVERHEAD 64

/* Whether a watcher has asked the loop to end. */
static inline int fractal_stopped(const int64_t *control) {
    return __atomic_load_n(&control[0], __ATOMIC_RELAXED) != 0;
}

/* Adds n iterations to the total that watchers see. */
static inline void fractal_count(int64_t *control, int64_t n) {
    __atomic_fetch_add(&control[1], n, __ATOMIC_RELAXED);
}

/* The control that watchers see, and what was not yet told to it. */
struct fractal_watch {
    int64_t *control;
    int64_t iterations;
    int64_t unlooked;
    int64_t price; /* of an iteration, in iterations of a processor that has instructions for it */
};

static inline struct fractal_watch fractal_watch(int64_t *control, int64_t price) {
    return (struct fractal_watch){control, 0, 0, price};
}

static inline void fractal_flush(struct fractal_watch *watch) {
    fractal_count(watch->control, watch->iterations);
    watch->iterations = 0;
    watch->unlooked = 0;
}

/* Iterations were done since the last look, and samples ended; whether to end. */
static inline int fractal_look(struct fractal_watch *watch, int64_t iterations, int64_t samples) {
    watch->unlooked += (iterations + FRACTAL_OVERHEAD * samples) * watch->price;
    if (watch->unlooked < FRACTAL_CHUNK) return 0;
    fractal_flush(watch);
    return fractal_stopped(watch->control);
}

#endif
