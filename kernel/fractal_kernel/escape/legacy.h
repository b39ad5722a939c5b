/* Pictures of the earlier system, equal to it byte for byte: sampling, and the way from orbits to bytes.
 *
 * The twin that says what is right is slow/legacy.py. Every formula is one rounding an operation, in the order in
 * which it is written; the build forbids contraction to FMA. The orbits are run by legacy_loop.h, which is included here
 * once for each instruction set. */

#ifndef FRACTAL_LEGACY_H
#define FRACTAL_LEGACY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "instructions.h"
#include "lanes.h"
#include "legacy_color.h"
#include "samples.h"
#include "stop.h"

/* An orbit has escaped once |z|² < 4 fails. */
#define LEGACY_ESCAPE 4.0
/* How near to 4 a |c|² may be before each step is tested. An orbit outside stays there if |c| < 2, since |z² + c| ≥ 4 − |c|,
 * and if |c| > 2 in the Mandelbrot set, where |z| ≥ |c|; nearer than this, roundings might lead it back. */
#define LEGACY_DOUBT 1e-6

typedef struct {
    struct samples_view view;
    int64_t side; /* samples along a pixel's side */
    int64_t max_iterations;
    int color_mode;
} legacy_picture;

/* Where a pixel's samples lie: (s / side) / width of a pixel from its left edge, the earlier system's mistake, which its
 * pictures show. */
static inline struct samples_raster legacy_raster(const legacy_picture *p) {
    const double width = (double)p->view.width, height = (double)p->view.height, side = (double)p->side;
    struct samples_raster raster = {.side = p->side};
    for (int64_t s = 0; s < p->side; s++) {
        raster.x[s] = (1.0 / width) * ((double)s / side);
        raster.y[s] = (1.0 / height) * ((double)s / side);
    }
    return raster;
}

/* |z|² where an orbit ended: below 4 when the limit ended it. */
static inline double legacy_norm(const struct samples_window *w, int64_t i) {
    return w->x[i] * w->x[i] + w->y[i] * w->y[i];
}

/* The smooth count as a share of the limit, in [0, 1]. It is NaN for orbits that end nearer than 1 to the origin: their
 * logarithm is negative. */
static inline float legacy_share(const legacy_picture *p, int64_t n, double norm) {
    double smooth = (double)n;
    if (p->view.julia)
        smooth -= log2(log(norm) / 1.38629436112);
    else if (norm != 0.0)
        smooth -= log2(log(norm) / 2.0 / 0.69314718056);
    const float t = (float)(smooth / (double)p->max_iterations);
    return t < 0.0f ? 0.0f : t > 1.0f ? 1.0f : t;
}

static inline uint8_t legacy_byte(float sum, float samples) {
    const float value = sum / samples * 255.0f;
    return value > 0.0f ? (uint8_t)value : 0; /* NaN, too, is 0 */
}

/* The bytes of a pixel from where its samples ended, in the order in which they are summed. */
static inline void legacy_shade(const legacy_picture *p, const struct samples_window *w, int64_t first, uint8_t *rgb) {
    const int samples = (int)(p->side * p->side);
    legacy_rgb sum = {0.0f, 0.0f, 0.0f};
    for (int i = 0; i < samples; i++) {
        const float share = legacy_share(p, w->n[first + i], legacy_norm(w, first + i));
        const legacy_rgb color = legacy_color(p->color_mode, share);
        sum.r += color.r;
        sum.g += color.g;
        sum.b += color.b;
    }
    rgb[0] = legacy_byte(sum.r, (float)samples);
    rgb[1] = legacy_byte(sum.g, (float)samples);
    rgb[2] = legacy_byte(sum.b, (float)samples);
}

#define FRACTAL_TARGET
#define FRACTAL_NAME(name) fractal_first_##name
#define LANES_NAME(name) fractal_legacy_first_##name
#define LANES_STEPS 8
#define LANES_VECTORS 4
#define LANES_TOGETHER 2
#include "vectors_plain.h"
#include "legacy_loop.h"
#include "vectors_done.h"

#ifdef FRACTAL_TARGET_AVX2
#define FRACTAL_TARGET FRACTAL_TARGET_AVX2
#define FRACTAL_NAME(name) fractal_avx2_##name
#define LANES_NAME(name) fractal_legacy_avx2_##name
#define LANES_STEPS 8
#define LANES_VECTORS 4
#define LANES_TOGETHER 2
#include "vectors_avx2.h"
#include "legacy_loop.h"
#include "vectors_done.h"

#define FRACTAL_TARGET FRACTAL_TARGET_AVX512
#define FRACTAL_NAME(name) fractal_avx512_##name
#define LANES_NAME(name) fractal_legacy_avx512_##name
#define LANES_STEPS 8
#define LANES_VECTORS 4
#define LANES_TOGETHER 2
#include "vectors_avx512.h"
#include "legacy_loop.h"
#include "vectors_done.h"
#endif

typedef int (*legacy_runner)(const legacy_picture *p, struct samples_window *w, int64_t pixels,
                             struct samples_cursor *cursor, const struct samples_raster *raster,
                             struct fractal_watch *watch);

static inline legacy_runner legacy_choose(int set) {
#ifdef FRACTAL_TARGET_AVX2
    if (set == FRACTAL_AVX512) return fractal_legacy_avx512_run_window;
    if (set == FRACTAL_AVX2) return fractal_legacy_avx2_run_window;
#endif
    (void)set;
    return fractal_legacy_first_run_window;
}

/* The bytes of the rectangles, one after the other in `rgb`, each row by row from its top. Returns 1 if it was told to
 * stop; `rgb` is then not to be used. */
static inline int legacy_render(int set, const legacy_picture *p, const struct samples_rect *rects, int64_t count,
                                uint8_t *rgb, struct samples_window *w, int64_t *control) {
    const legacy_runner run = legacy_choose(set);
    const struct samples_raster raster = legacy_raster(p);
    const int64_t samples = p->side * p->side, fitting = SAMPLES_WINDOW / samples;
    struct samples_cursor cursor = {rects, 0, 0};
    struct fractal_watch watch = fractal_watch(control, 1);
    samples_reset(w);
    for (int64_t left = samples_pixels(rects, count); left > 0;) {
        const int64_t pixels = left < fitting ? left : fitting;
        if (run(p, w, pixels, &cursor, &raster, &watch)) return 1;
        for (int64_t i = 0; i < pixels; i++, rgb += 3) {
            legacy_shade(p, w, i * samples, rgb);
            if (fractal_look(&watch, 0, samples)) return 1;
        }
        left -= pixels;
    }
    fractal_flush(&watch);
    return fractal_stopped(control);
}

/* The steps after which the samples of a rectangle's pixels escaped, -1 where they did not; p->side is 1. Returns 1 if
 * it was told to stop. */
static inline int legacy_counts(int set, const legacy_picture *p, const struct samples_rect *rect, int64_t *counts,
                                struct samples_window *w, int64_t *control) {
    const legacy_runner run = legacy_choose(set);
    const struct samples_raster raster = legacy_raster(p);
    struct samples_cursor cursor = {rect, 0, 0};
    struct fractal_watch watch = fractal_watch(control, 1);
    samples_reset(w);
    for (int64_t left = samples_pixels(rect, 1); left > 0;) {
        const int64_t pixels = left < SAMPLES_WINDOW ? left : SAMPLES_WINDOW;
        if (run(p, w, pixels, &cursor, &raster, &watch)) return 1;
        for (int64_t i = 0; i < pixels; i++) *counts++ = legacy_norm(w, i) < LEGACY_ESCAPE ? -1 : w->n[i];
        if (fractal_look(&watch, 0, pixels)) return 1;
        left -= pixels;
    }
    fractal_flush(&watch);
    return fractal_stopped(control);
}

#endif
