/* What a loop without the GIL shares with its watchers: `int64_t control[2]`, the stop flag and the iterations done.
 *
 * The Python side is control.py. Relaxed atomics suffice: neither word guards other memory. */

#ifndef FRACTAL_STOP_H
#define FRACTAL_STOP_H

#include <stdint.h>

/* The most iterations between two looks at the control: 0.1 to 0.4 ms of a shallow loop; a millisecond is allowed. */
#define FRACTAL_CHUNK 65536

/* Whether a watcher has asked the loop to end. */
static inline int fractal_stopped(const int64_t *control) {
    return __atomic_load_n(&control[0], __ATOMIC_RELAXED) != 0;
}

/* Adds n iterations to the total that watchers see. */
static inline void fractal_count(int64_t *control, int64_t n) {
    __atomic_fetch_add(&control[1], n, __ATOMIC_RELAXED);
}

/* The same two, for a loop over many samples: `pending` gathers the iterations of cheap samples, and the control is
 * touched once they make a chunk. Returns whether to end. */
static inline int fractal_pulse(int64_t *control, int64_t *pending, int64_t n) {
    *pending += n;
    if (*pending < FRACTAL_CHUNK) return 0;
    fractal_count(control, *pending);
    *pending = 0;
    return fractal_stopped(control);
}

#endif
