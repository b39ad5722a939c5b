/* Grid pictures: the samples of a picture, their escape, their colours. What they are is said by docs/picture.md.
 *
 * grid_loop.h has the one body; it is included here once for each instruction set. No libm function but fma is called,
 * and only where the processor has no such instruction. */

#ifndef FRACTAL_GRID_H
#define FRACTAL_GRID_H

#include <float.h>
#include <stdint.h>
#include <string.h>

#include "stop.h"

#if FLT_EVAL_METHOD != 0
#error "a picture is defined to the bit: doubles must not be evaluated in a wider format"
#endif

/* Escaped iff !(|z|² ≤ 1000²). */
#define GRID_ESCAPE 1e6
/* 1 / log2(1000²). */
#define GRID_SCALE 0.050171665943996864
/* Iterations of ν that one turn of the palette covers, at scale 1. */
#define GRID_TURN 64.0
#define GRID_ENTRIES 4096
#define GRID_THRESHOLDS 255
/* A power of two, so that scaling a value by it is exact. */
#define GRID_GUESSES 4096
/* From here on a double has no fraction. */
#define GRID_WHOLE 4503599627370496.0

/* Samples on the way at once in one loop: a step waits about eight cycles for its own result, and costs less than three
 * to issue. Each lane's decisions are its own. docs/decisions/0030 says how vectors take the place of doubles here. */
#define GRID_LANES 3
/* Steps between two looks at the lanes' books: the limit, the repeat of a z, the stop flag. */
#define GRID_BLOCK 32
/* Samples that are rendered before their pixels are coloured; at least 256, those of one pixel. */
#define GRID_CHUNK 1024
/* What a sample's start and colour cost, in iterations: counted for the stop flag only. */
#define GRID_OVERHEAD 64

/* Lanes live in registers only when the loops over them are written out. */
#define GRID_UNROLL _Pragma("GCC unroll 8")

enum grid_state { GRID_RUNNING = 0, GRID_ESCAPED = 1, GRID_INSIDE = 2 };

/* A sample on its way: z_n and c. Escaped: n is the first index with |z_n| > 1000. Inside: z repeats for ever. Running:
 * the limit came first, n = limit. */
struct grid_point {
    double x, y, cr, ci;
    int64_t n;
    int64_t state;
};

/* A picture: the numbers of its definition, and tables that must outlive it. */
struct grid_picture {
    int64_t width, height, side, limit;
    int32_t julia, turned;
    double center_re, center_im, zoom, julia_re, julia_im;
    double m00, m01, m10, m11;
    double offset, scale;
    const float *palette;    /* GRID_ENTRIES × 3, linear light */
    const float *inside;     /* 3, linear light */
    const float *thresholds; /* GRID_THRESHOLDS, ascending: a byte is the number of those that are ≤ its value */
    const uint8_t *guesses;  /* GRID_GUESSES + 1: entry i is the byte of the value i / GRID_GUESSES */
};

/* What a lane knows of its sample beside z and c: where to write it, and the z that a repeat is looked for of (Brent). */
struct grid_lane {
    struct grid_point *point; /* NULL: idle */
    int64_t n, save_at;
    double saved_x, saved_y;
};

struct grid_lanes {
    double x[GRID_LANES], y[GRID_LANES], cr[GRID_LANES], ci[GRID_LANES];
    struct grid_lane lane[GRID_LANES];
};

struct grid_rect {
    int64_t x, y, width, height;
};

/* The control that watchers see, and what was not yet told to it. */
struct grid_watch {
    int64_t *control;
    int64_t iterations;
    int64_t unlooked;
    int64_t price; /* of an iteration, in iterations with an fma instruction */
};

static inline struct grid_watch grid_watch(int64_t *control, int64_t price) {
    return (struct grid_watch){control, 0, 0, price};
}

static inline void grid_flush(struct grid_watch *watch) {
    fractal_count(watch->control, watch->iterations);
    watch->iterations = 0;
    watch->unlooked = 0;
}

/* Counts iterations, and samples begun; whether to end. */
static inline int grid_look(struct grid_watch *watch, int64_t iterations, int64_t samples) {
    watch->iterations += iterations;
    watch->unlooked += (iterations + GRID_OVERHEAD * samples) * watch->price;
    if (watch->unlooked < FRACTAL_CHUNK) return 0;
    grid_flush(watch);
    return fractal_stopped(watch->control);
}

/* Whether two doubles are the same to the bit. */
static inline int grid_same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

/* The byte of a value in linear light, 0 … 1: the number of thresholds that are ≤ value. */
static inline uint8_t grid_byte(const struct grid_picture *p, float value) {
    int below = p->guesses[(int)(value * GRID_GUESSES)];
    while (below < GRID_THRESHOLDS && p->thresholds[below] <= value) below++;
    return (uint8_t)below;
}

/* frac(u): what u has beyond the next lower whole number. */
static inline double grid_fraction(double u) {
    if (!(u < GRID_WHOLE && u > -GRID_WHOLE)) return 0.0;
    const double whole = (double)(int64_t)u;
    return u - (whole > u ? whole - 1.0 : whole);
}

#if defined(__x86_64__)
#define FRACTAL_TARGET __attribute__((target("fma")))
#define GRID_HAS_FMA (__builtin_cpu_supports("fma") != 0)
#elif defined(__FP_FAST_FMA)
#define FRACTAL_TARGET
#define GRID_HAS_FMA 1
#else
#define GRID_HAS_FMA 0
#endif

#ifdef FRACTAL_TARGET
#define FRACTAL_NAME(name) fractal_fma_##name
#define GRID_PRICE 1
#include "grid_loop.h"
#undef GRID_PRICE
#undef FRACTAL_NAME
#undef FRACTAL_TARGET
#define GRID_CALL(fma, name, ...) ((fma) ? fractal_fma_##name(__VA_ARGS__) : fractal_libm_##name(__VA_ARGS__))
#else
#define GRID_CALL(fma, name, ...) fractal_libm_##name(__VA_ARGS__)
#endif

/* The C library's fma in software was measured at 250 ns, and a step takes four. */
#define FRACTAL_TARGET
#define FRACTAL_NAME(name) fractal_libm_##name
#define GRID_PRICE 128
#include "grid_loop.h"
#undef GRID_PRICE
#undef FRACTAL_NAME
#undef FRACTAL_TARGET

/* The doors below hold the processor to the arithmetic of IEEE 754 while they run: round to nearest, keep subnormals. A
 * library built with -ffast-math changes this for the whole process when it is loaded. */
#if defined(__x86_64__)
#define GRID_MXCSR 0x1f80u
static inline unsigned grid_enter(void) {
    const unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(GRID_MXCSR);
    return before;
}
static inline void grid_leave(unsigned before) { __builtin_ia32_ldmxcsr(before); }
#else
static inline unsigned grid_enter(void) { return 0; }
static inline void grid_leave(unsigned before) { (void)before; }
#endif

static inline int grid_render(int fma, const struct grid_picture *picture, const struct grid_rect *rects, int64_t count,
                              uint8_t *rgb, int64_t *control) {
    const unsigned before = grid_enter();
    const int stopped = GRID_CALL(fma, render, picture, rects, count, rgb, control);
    grid_leave(before);
    return stopped;
}

static inline int grid_escapes(int fma, const struct grid_picture *picture, const struct grid_rect *rect, int64_t samples,
                               int64_t *counts, double *fractions, int64_t *control) {
    const unsigned before = grid_enter();
    const int stopped = GRID_CALL(fma, escapes, picture, *rect, samples, counts, fractions, control);
    grid_leave(before);
    return stopped;
}

static inline int grid_advance(int fma, struct grid_point *points, int64_t count, int64_t limit, int64_t *control) {
    const unsigned before = grid_enter();
    const int stopped = GRID_CALL(fma, advance, points, count, limit, control);
    grid_leave(before);
    return stopped;
}

/* The starts of the first samples of pixels (column, row from the top). */
static inline void grid_start(const struct grid_picture *picture, const int64_t *pixels, int64_t count,
                              struct grid_point *points) {
    const unsigned before = grid_enter();
    for (int64_t i = 0; i < count; i++)
        points[i] = fractal_libm_start(picture, pixels[2 * i], pixels[2 * i + 1], 0, 0);
    grid_leave(before);
}

#endif
