/* Pictures of the earlier system, equal to it byte for byte: sampling, and the way from orbits to bytes.
 *
 * The twin that says what is right is slow/legacy.py. Every formula is one rounding an operation, in the order in
 * which it is written; the build forbids contraction to FMA. */

#ifndef FRACTAL_LEGACY_H
#define FRACTAL_LEGACY_H

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "legacy_color.h"
#include "legacy_orbits.h"
#include "stop.h"

#if FLT_EVAL_METHOD != 0
#error "a picture is defined to the bit: doubles must not be evaluated in a wider format"
#endif

/* Samples in work at a time, at least those of a pixel. Many, since lanes idle while the last orbits of a window end;
 * few enough that their colours, up to 0.15 µs each, take a fraction of a millisecond. */
#define LEGACY_WINDOW 2048

typedef struct {
    int64_t width, height, side; /* pixels; samples along a pixel's side, at most 16 */
    int julia;
    double julia_re, julia_im, center_re, center_im, zoom;
    int64_t max_iterations;
    int color_mode;
} legacy_picture;

typedef struct {
    int64_t x, y, width, height;
} legacy_rect;

/* Where sample (sx, sy) of a pixel begins. Its offset is (sx / side) / width of a pixel: the earlier system's mistake,
 * which its pictures show. */
static legacy_orbit legacy_sample(const legacy_picture *p, int64_t px, int64_t row, int64_t sx, int64_t sy) {
    const double width = p->width, height = p->height, side = p->side, py = p->height - 1 - row;
    const double nx = ((px + (1.0 / width) * (sx / side)) / width - 0.5) * (width / height);
    const double ny = (py + (1.0 / height) * (sy / side)) / height - 0.5;
    const double wx = nx / p->zoom + p->center_re, wy = ny / p->zoom + p->center_im;
    if (p->julia) return (legacy_orbit){wx, wy, p->julia_re, p->julia_im};
    return (legacy_orbit){0.0, 0.0, wx, wy};
}

/* The smooth count as a share of the limit, in [0, 1]. It is NaN for orbits that end nearer than 1 to the origin: their
 * logarithm is negative. */
static float legacy_share(const legacy_picture *p, legacy_end end) {
    double smooth = end.n;
    if (p->julia)
        smooth -= log2(log(end.norm) / 1.38629436112);
    else if (end.norm != 0.0)
        smooth -= log2(log(end.norm) / 2.0 / 0.69314718056);
    const float t = smooth / p->max_iterations;
    return t < 0.0f ? 0.0f : t > 1.0f ? 1.0f : t;
}

static uint8_t legacy_byte(float sum, float samples) {
    const float value = sum / samples * 255.0f;
    return value > 0.0f ? (uint8_t)value : 0; /* NaN, too, is 0 */
}

/* The bytes of a pixel from where its samples ended, in the order in which they are summed. */
static void legacy_shade(const legacy_picture *p, const legacy_end *ends, uint8_t *rgb) {
    const int samples = (int)(p->side * p->side);
    legacy_rgb sum = {0.0f, 0.0f, 0.0f};
    for (int i = 0; i < samples; i++) {
        const legacy_rgb color = legacy_color(p->color_mode, legacy_share(p, ends[i]));
        sum.r += color.r;
        sum.g += color.g;
        sum.b += color.b;
    }
    rgb[0] = legacy_byte(sum.r, samples);
    rgb[1] = legacy_byte(sum.g, samples);
    rgb[2] = legacy_byte(sum.b, samples);
}

/* Where the samples of `count` pixels of a rectangle end, from its pixel `first` on, row by row from the top; a pixel's
 * samples are sx outer, sy inner. Returns 1 if it was told to stop. */
static int legacy_ends(const legacy_picture *p, const legacy_rect *rect, int64_t first, int64_t count,
                       legacy_end *ends, legacy_advance advance, int64_t *control) {
    legacy_orbit orbits[LEGACY_WINDOW];
    int n = 0;
    for (int64_t pixel = first; pixel < first + count; pixel++) {
        const int64_t px = rect->x + pixel % rect->width, row = rect->y + pixel / rect->width;
        for (int64_t sx = 0; sx < p->side; sx++)
            for (int64_t sy = 0; sy < p->side; sy++) orbits[n++] = legacy_sample(p, px, row, sx, sy);
    }
    return legacy_run(orbits, n, p->max_iterations, ends, advance, control);
}

/* The bytes of the rectangles, one after the other in `rgb`, each row by row from its top. Returns 1 if it was told to
 * stop; `rgb` is then not to be used. */
static int legacy_render(const legacy_picture *p, const int64_t *rects, int64_t count, uint8_t *rgb, int avx2,
                         int64_t *control) {
    const legacy_advance advance = legacy_choose(avx2);
    const int64_t samples = p->side * p->side, window = LEGACY_WINDOW / samples;
    legacy_end ends[LEGACY_WINDOW];
    for (const legacy_rect *rect = (const legacy_rect *)rects; count--; rect++) {
        const int64_t pixels = rect->width * rect->height;
        for (int64_t first = 0; first < pixels; first += window) {
            const int64_t n = pixels - first < window ? pixels - first : window;
            if (legacy_ends(p, rect, first, n, ends, advance, control)) return 1;
            for (int64_t i = 0; i < n; i++, rgb += 3) legacy_shade(p, ends + i * samples, rgb);
        }
    }
    return 0;
}

/* The steps after which the samples of a rectangle's pixels escaped, -1 where they did not; p->side is 1. Returns 1 if
 * it was told to stop. */
static int legacy_counts(const legacy_picture *p, const int64_t *rect, int64_t *counts, int avx2, int64_t *control) {
    const int64_t pixels = rect[2] * rect[3];
    legacy_end ends[LEGACY_WINDOW];
    for (int64_t first = 0; first < pixels; first += LEGACY_WINDOW) {
        const int64_t n = pixels - first < LEGACY_WINDOW ? pixels - first : LEGACY_WINDOW;
        if (legacy_ends(p, (const legacy_rect *)rect, first, n, ends, legacy_choose(avx2), control)) return 1;
        for (int64_t i = 0; i < n; i++) *counts++ = ends[i].norm < 4.0 ? -1 : ends[i].n;
    }
    return 0;
}

#endif
