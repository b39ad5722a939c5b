/* Where Legacy orbits end: the steps done and |z|² after them, exactly as if each had been stepped to its end. */

#ifndef FRACTAL_LEGACY_ORBITS_H
#define FRACTAL_LEGACY_ORBITS_H

#include <math.h>
#include <stdint.h>

#include "stop.h"

#define LEGACY_LANES 8
#define LEGACY_STEPS 8 /* of a block */

/* An orbit's first mark, in blocks. An orbit that comes back to its mark bit for bit goes round for ever. */
#define LEGACY_FIRST_MARK 8

typedef struct {
    double zx, zy, cx, cy;
} legacy_orbit;

typedef struct {
    int64_t n;
    double norm; /* |z|² after n steps; below 4 when the limit ended the orbit */
} legacy_end;

/* The orbits in work, lane by lane. */
typedef struct {
    _Alignas(64) double zx[LEGACY_LANES];
    double zy[LEGACY_LANES], cx[LEGACY_LANES], cy[LEGACY_LANES];
    double from_zx[LEGACY_LANES], from_zy[LEGACY_LANES]; /* z before the last block */
    double mark_zx[LEGACY_LANES], mark_zy[LEGACY_LANES]; /* NaN where there is no mark */
    int64_t inside[LEGACY_LANES];                        /* 0 where |z|² < 4 failed in the last block */
    int64_t back[LEGACY_LANES];                          /* not 0 where z equals the mark */
} legacy_lanes;

#define LEGACY_NAME(x) legacy_##x##_base
#define LEGACY_TARGET
#define LEGACY_VECTOR 16
#include "legacy_lanes.h"
#undef LEGACY_NAME
#undef LEGACY_TARGET
#undef LEGACY_VECTOR

#ifdef __x86_64__
#define LEGACY_NAME(x) legacy_##x##_avx2
#define LEGACY_TARGET __attribute__((target("avx2")))
#define LEGACY_VECTOR 32
#include "legacy_lanes.h"
#undef LEGACY_NAME
#undef LEGACY_TARGET
#undef LEGACY_VECTOR
#endif

typedef int64_t (*legacy_advance)(legacy_lanes *, int64_t);

static int legacy_has_avx2(void) {
#ifdef __x86_64__
    return __builtin_cpu_supports("avx2") != 0;
#else
    return 0;
#endif
}

static legacy_advance legacy_choose(int avx2) {
#ifdef __x86_64__
    if (avx2) return legacy_advance_avx2;
#endif
    return legacy_advance_base;
}

/* One orbit, step by step, from z after n steps. */
static legacy_end legacy_step(double zx, double zy, double cx, double cy, int64_t n, int64_t limit) {
    for (;; n++) {
        const double zx2 = zx * zx, zy2 = zy * zy, norm = zx2 + zy2;
        if (n == limit || !(norm < 4.0)) return (legacy_end){n, norm};
        zy = 2.0 * zx * zy + cy;
        zx = zx2 - zy2 + cx;
    }
}

/* The orbit that a lane is at work on. Times are blocks on the clock that all lanes share. */
typedef struct {
    int id; /* its number, -1 in an idle lane */
    int64_t start;
    int64_t end;    /* when only the last limit % LEGACY_STEPS steps are left */
    int64_t marked; /* when the mark was set */
    int64_t due;    /* the next mark, or the end: a block that ends later would miss it */
} legacy_task;

static void legacy_load(legacy_lanes *s, int lane, const legacy_orbit *orbit) {
    s->zx[lane] = orbit->zx;
    s->zy[lane] = orbit->zy;
    s->cx[lane] = orbit->cx;
    s->cy[lane] = orbit->cy;
    s->mark_zx[lane] = s->mark_zy[lane] = NAN;
    s->inside[lane] = -1;
    s->back[lane] = 0;
}

/* Begins the next orbit in a lane, or leaves it idle at 0, where nothing ever happens. */
static legacy_task legacy_begin(legacy_lanes *s, int lane, const legacy_orbit *orbit, int id, int64_t clock,
                                int64_t limit) {
    static const legacy_orbit still = {0.0, 0.0, 0.0, 0.0};
    legacy_load(s, lane, orbit ? orbit : &still);
    if (!orbit) return (legacy_task){.id = -1, .due = INT64_MAX};
    const int64_t blocks = limit / LEGACY_STEPS;
    const int64_t first = blocks < LEGACY_FIRST_MARK ? blocks : LEGACY_FIRST_MARK;
    return (legacy_task){.id = id, .start = clock, .end = clock + blocks, .due = clock + first};
}

/* Does what is due in a lane after a block. Returns whether its orbit ended, and then where. */
static int legacy_settle(legacy_lanes *s, int lane, legacy_task *task, int64_t clock, int64_t limit, legacy_end *end) {
    const double cx = s->cx[lane], cy = s->cy[lane];
    if (!s->inside[lane]) {
        const int64_t before = (clock - 1 - task->start) * LEGACY_STEPS;
        *end = legacy_step(s->from_zx[lane], s->from_zy[lane], cx, cy, before, limit);
        return 1;
    }
    if (s->back[lane]) { /* whole rounds change nothing: only the rest of the last one is stepped */
        task->end = task->due = clock + (task->end - clock) % (clock - task->marked);
        s->mark_zx[lane] = s->mark_zy[lane] = NAN;
    }
    if (clock == task->end) {
        *end = legacy_step(s->zx[lane], s->zy[lane], cx, cy, limit - limit % LEGACY_STEPS, limit);
        return 1;
    }
    if (clock == task->due) { /* Brent: each mark lies twice as far out as the one before */
        s->mark_zx[lane] = s->zx[lane];
        s->mark_zy[lane] = s->zy[lane];
        task->marked = clock;
        task->due = clock + (clock - task->start);
        if (task->due > task->end) task->due = task->end;
    }
    return 0;
}

/* Runs `count` orbits to their ends, of which none depends on another. Returns 1 if it was told to stop. */
static int legacy_run(const legacy_orbit *orbits, int count, int64_t limit, legacy_end *ends, legacy_advance advance,
                      int64_t *control) {
    legacy_lanes s;
    legacy_task tasks[LEGACY_LANES];
    int64_t clock = 0, pending = 0;
    int next = 0, busy = 0;
    for (int lane = 0; lane < LEGACY_LANES; lane++, next++) {
        tasks[lane] = legacy_begin(&s, lane, next < count ? &orbits[next] : NULL, next, clock, limit);
        busy += next < count;
    }
    while (busy) {
        int64_t until = clock + FRACTAL_CHUNK / (LEGACY_LANES * LEGACY_STEPS);
        for (int lane = 0; lane < LEGACY_LANES; lane++)
            if (tasks[lane].due < until) until = tasks[lane].due;
        const int64_t done = advance(&s, until - clock);
        clock += done;
        if (fractal_pulse(control, &pending, done * LEGACY_STEPS * busy)) return 1;
        for (int lane = 0; lane < LEGACY_LANES; lane++) {
            legacy_end end;
            if (tasks[lane].id < 0 || !legacy_settle(&s, lane, &tasks[lane], clock, limit, &end)) continue;
            ends[tasks[lane].id] = end;
            tasks[lane] = legacy_begin(&s, lane, next < count ? &orbits[next] : NULL, next, clock, limit);
            busy -= next >= count;
            next++;
        }
    }
    fractal_count(control, pending);
    return fractal_stopped(control);
}

#endif
