/* The nine colour modes of the earlier system.
 *
 * Whether a formula is of float or of double is part of it, and so is the order of its operations. The cosines are the
 * C library's: a picture is equal to the byte with the earlier system's where the C library is. */

#ifndef FRACTAL_LEGACY_COLOR_H
#define FRACTAL_LEGACY_COLOR_H

#include <math.h>

typedef struct {
    float r, g, b;
} legacy_rgb;

static legacy_rgb legacy_polynomials(float t_single) {
    const double o = 1.0f - t_single, t = t_single;
    return (legacy_rgb){9.0 * o * t * t * t, 15.0 * o * o * t * t, 8.5 * o * o * o * t};
}

static legacy_rgb legacy_cosines(int mode, float t) {
    const float f = 200.0f * t, a = 3.0f + 0.15f * (100.0f * t);
    const double d = f;
    switch (mode) {
    case 3:
        return (legacy_rgb){.5f + .5f * cosf(a), .5f + .5f * cosf(a + .6f), .5f + .5f * cosf(a + 1.0f)};
    case 4:
        return (legacy_rgb){.5f + .5f * cosf(f + 3.0f), .5f + .5f * cosf(.5f * f + .6f),
                            .5f + .5f * sinf(.35f * f + 1.0f)};
    case 5:
        return (legacy_rgb){.5f + .5f * cosf(f), .5 + .5 * cos(d + 1.33), .5 + .5 * cos(d + 2.66)};
    case 6:
        return (legacy_rgb){.5 + .5 * cos(d), .4 + .4 * cos(d + 2.0), .2 + .2 * cos(d + 4.0)};
    case 7:
        return (legacy_rgb){.2 + .2 * cos(d + 4.0), .5 + .5 * cos(d + 2.0), .7 + .3 * cos(d)};
    default:
        return (legacy_rgb){.5 + .5 * cos(6.0 * d), .5 + .5 * cos(6.0 * d + 2.0), .5 + .5 * cos(6.0 * d + 4.0)};
    }
}

/* The colour of a sample whose share of the iteration limit is t, in [0, 1] or NaN. */
static legacy_rgb legacy_color(int mode, float t) {
    const float white = t > 0.0f ? 1.0f : 0.0f;
    switch (mode) {
    case 0:
        return (legacy_rgb){white, white, white};
    case 1:
        return (legacy_rgb){t, t, t};
    case 2:
        return legacy_polynomials(t);
    default:
        return fabsf(t - 1.0f) < 1e-6f ? (legacy_rgb){0.0f, 0.0f, 0.0f} : legacy_cosines(mode, t);
    }
}

#endif
