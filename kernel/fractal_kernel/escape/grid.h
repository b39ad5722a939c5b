/* Grid pictures: the samples of a picture, their escape, their colours. What they are is said by docs/picture.md.
 *
 * grid_loop.h has the one body; it is included here once for each instruction set. No libm function but fma is called,
 * and only where the processor has no such instruction. */

#ifndef FRACTAL_GRID_H
#define FRACTAL_GRID_H

#include <float.h>
#include <stdint.h>
#include <string.h>

#include "instructions.h"
#include "lanes.h"
#include "samples.h"
#include "stop.h"

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

/* Beyond this |C|² each step of a Julia set's orbits is tested. One may leave the circle and come back: |z| > 1000 gives
 * |z² + C| > 1000 only while |C| < 999,000. In the Mandelbrot set none does, since |z| ≥ |c| there. Besides, orbits that
 * stay have |z| of about √|C|, and so the quick test of all lanes at once holds for small |C| only. */
#define GRID_SAFE 1e4

/* Up to this |c| no orbit of the Mandelbrot set is outside within three steps: |z_1| ≤ 5, |z_2| ≤ 30, |z_3| ≤ 905. */
#define GRID_NEAR 5.0

/* What may be left out because the end is known. */
enum grid_shortcuts { GRID_EVERY_STEP, GRID_REPEATS, GRID_REPEATS_AND_REGIONS };

/* A sample on its way: z_n and c. Escaped: n is the first index with |z_n| > 1000. Inside: z repeats for ever. Running:
 * the limit came first, n = limit. The states are those of enum lanes_state. */
struct grid_point {
    double x, y, cr, ci;
    int64_t n;
    int64_t state;
};

/* A picture: the numbers of its definition, and tables that must outlive it. Entry GRID_ENTRIES is the inside. */
struct grid_picture {
    struct samples_view view;
    int64_t side, limit;
    int32_t shortcuts;
    double offset, scale;
    const float *palette;    /* (GRID_ENTRIES + 1) × 3, linear light */
    const uint8_t *bytes;    /* (GRID_ENTRIES + 1) × 4, the same as bytes of sRGB, and one that is not used */
    const float *thresholds; /* GRID_THRESHOLDS, ascending: a byte is the number of those that are ≤ its value */
    const uint8_t *guesses;  /* GRID_GUESSES + 1: entry i is the byte of the value i / GRID_GUESSES */
};

/* Where a pixel's samples lie: in the middles of side² equal parts, or of the first `wanted` rows and columns of them. */
static inline struct samples_raster grid_raster(const struct grid_picture *p, int64_t wanted) {
    struct samples_raster raster = {.side = wanted};
    for (int64_t s = 0; s < wanted; s++) raster.x[s] = raster.y[s] = ((double)s + 0.5) / (double)p->side;
    return raster;
}

/* The byte of a value in linear light, 0 … 1: the number of thresholds that are ≤ value. */
static inline uint8_t grid_byte(const struct grid_picture *p, float value) {
    int below = p->guesses[(int)(value * GRID_GUESSES)];
    while (below < GRID_THRESHOLDS && p->thresholds[below] <= value) below++;
    return (uint8_t)below;
}

/* The bytes of pixels of one sample each, from their entries in the palette. Each but the last is written with a fourth
 * byte, which the next one writes over: a third of the time. */
static inline void grid_paint(const struct grid_picture *p, const double *entries, int64_t pixels, uint8_t *rgb) {
    for (int64_t i = 0; i < pixels - 1; i++) memcpy(rgb + 3 * i, p->bytes + 4 * (int)entries[i], 4);
    memcpy(rgb + 3 * (pixels - 1), p->bytes + 4 * (int)entries[pixels - 1], 3);
}

/* The bytes of a pixel, from its samples' entries in the palette: sx outer, sy inner. */
static inline void grid_shade(const struct grid_picture *p, const double *entries, int64_t samples, uint8_t *rgb) {
    float sum[3] = {0.0f, 0.0f, 0.0f};
    for (int64_t s = 0; s < samples; s++) {
        const float *light = p->palette + 3 * (int)entries[s];
        for (int k = 0; k < 3; k++) sum[k] += light[k];
    }
    for (int k = 0; k < 3; k++) rgb[k] = grid_byte(p, sum[k] / (float)samples);
}

/* The first set: with the C library's fma in software, measured at 250 ns, what a block does beyond an escape would cost
 * more than the tests that it saves, were it of eight steps. */
#define FRACTAL_TARGET
#define FRACTAL_NAME(name) fractal_first_##name
#define LANES_NAME(name) fractal_grid_first_##name
#define LANES_STEPS (FRACTAL_CALLS_LIBM ? 2 : 8)
#define LANES_VECTORS (FRACTAL_CALLS_LIBM ? 1 : 6)
#define LANES_TOGETHER 1
#define GRID_PRICE (FRACTAL_CALLS_LIBM ? 128 : 1)
#include "vectors_plain.h"
#include "grid_loop.h"
#include "vectors_done.h"
#undef GRID_PRICE

#ifdef FRACTAL_TARGET_AVX2
#define FRACTAL_TARGET FRACTAL_TARGET_AVX2
#define FRACTAL_NAME(name) fractal_avx2_##name
#define LANES_NAME(name) fractal_grid_avx2_##name
#define LANES_STEPS 8
#define LANES_VECTORS 6
#define LANES_TOGETHER 2
#define GRID_PRICE 1
#include "vectors_avx2.h"
#include "grid_loop.h"
#include "vectors_done.h"
#undef GRID_PRICE

#define FRACTAL_TARGET FRACTAL_TARGET_AVX512
#define FRACTAL_NAME(name) fractal_avx512_##name
#define LANES_NAME(name) fractal_grid_avx512_##name
#define LANES_STEPS 8
#define LANES_VECTORS 4
#define LANES_TOGETHER 2
#define GRID_PRICE 1
#include "vectors_avx512.h"
#include "grid_loop.h"
#include "vectors_done.h"
#undef GRID_PRICE

#define GRID_CALL(set, name, ...)                                                  \
    ((set) == FRACTAL_AVX512 ? fractal_grid_avx512_##name(__VA_ARGS__)             \
     : (set) == FRACTAL_AVX2 ? fractal_grid_avx2_##name(__VA_ARGS__)               \
                             : fractal_grid_first_##name(__VA_ARGS__))
#else
#define GRID_CALL(set, name, ...) fractal_grid_first_##name(__VA_ARGS__)
#endif

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

static inline int grid_render(int set, const struct grid_picture *picture, const struct samples_rect *rects,
                              int64_t count, uint8_t *rgb, struct samples_window *window, int64_t *control) {
    const unsigned before = grid_enter();
    const int stopped = GRID_CALL(set, render, picture, rects, count, rgb, window, control);
    grid_leave(before);
    return stopped;
}

static inline int grid_escapes(int set, const struct grid_picture *picture, const struct samples_rect *rect,
                               int64_t side, int64_t *counts, double *fractions, struct samples_window *window, int64_t *control) {
    const unsigned before = grid_enter();
    const int stopped = GRID_CALL(set, escapes, picture, rect, side, counts, fractions, window, control);
    grid_leave(before);
    return stopped;
}

static inline int grid_advance(int set, const struct grid_picture *picture, struct grid_point *points, int64_t count,
                               int64_t limit, struct samples_window *window, int64_t *control) {
    const unsigned before = grid_enter();
    const int stopped = GRID_CALL(set, advance, picture, points, count, limit, window, control);
    grid_leave(before);
    return stopped;
}

/* The starts of the first samples of pixels (column, row from the top). */
static inline void grid_start(int set, const struct grid_picture *picture, const int64_t *pixels, int64_t count,
                              struct grid_point *points, struct samples_window *window) {
    const unsigned before = grid_enter();
    GRID_CALL(set, start, picture, pixels, count, points, window);
    grid_leave(before);
}

#endif
