/* The body of Grid pictures, for one instruction set: included by grid.h with FRACTAL_TARGET, FRACTAL_NAME and GRID_PRICE
 * defined. Every rounding is written here: with -ffp-contract=off nothing is fused but what says __builtin_fma. */

#include "log2.h"

/* |z|². */
FRACTAL_TARGET static inline double FRACTAL_NAME(modulus)(double x, double y) { return __builtin_fma(x, x, y * y); }

/* The start of sample (sx, sy) of the pixel in column px and row `row` from the top. */
FRACTAL_TARGET static inline struct grid_point FRACTAL_NAME(start)(const struct grid_picture *p, int64_t px, int64_t row,
                                                                   int64_t sx, int64_t sy) {
    const double w = (double)p->width, h = (double)p->height, n = (double)p->side;
    const double py = (double)(p->height - 1 - row);
    double u = (((double)px + ((double)sx + 0.5) / n) / w - 0.5) * (w / h) / p->zoom;
    double v = ((py + ((double)sy + 0.5) / n) / h - 0.5) / p->zoom;
    if (p->turned) {
        const double du = p->m00 * u + p->m01 * v;
        v = p->m10 * u + p->m11 * v;
        u = du;
    }
    const double re = u + p->center_re, im = v + p->center_im;
    if (p->julia) return (struct grid_point){re, im, p->julia_re, p->julia_im, 0, GRID_RUNNING};
    return (struct grid_point){0.0, 0.0, re, im, 0, GRID_RUNNING};
}

/* Up to `steps` steps of all lanes, fewer when one of them may have escaped; the steps done. */
FRACTAL_TARGET static inline int64_t FRACTAL_NAME(block)(struct grid_lanes *lanes, int64_t steps) {
    double x[GRID_LANES], y[GRID_LANES], m[GRID_LANES];
    /* Read anew in each step: fma overwrites an operand, and gcc would else copy y, which the next step waits for. */
    const volatile double *cr = lanes->cr;
    int64_t done = 0;
    GRID_UNROLL for (int l = 0; l < GRID_LANES; l++) x[l] = lanes->x[l], y[l] = lanes->y[l];
    while (done < steps) {
        GRID_UNROLL for (int l = 0; l < GRID_LANES; l++) {
            const double t = __builtin_fma(-y[l], y[l], cr[l]);
            y[l] = __builtin_fma(x[l] + x[l], y[l], lanes->ci[l]);
            x[l] = __builtin_fma(x[l], x[l], t);
            m[l] = FRACTAL_NAME(modulus)(x[l], y[l]);
        }
        done++;
        /* No modulus is negative: if their sum is not beyond the limit, none of them is. */
        double total = m[0];
        GRID_UNROLL for (int l = 1; l < GRID_LANES; l++) total += m[l];
        if (!(total <= GRID_ESCAPE)) break;
    }
    GRID_UNROLL for (int l = 0; l < GRID_LANES; l++) lanes->x[l] = x[l], lanes->y[l] = y[l];
    return done;
}

/* The state of lane l, whose z_n has just been reached. A z is saved at the end of a block only, so that a repeat is found
 * after a multiple of its period and of GRID_BLOCK, however often the other lanes break a block. */
FRACTAL_TARGET static inline enum grid_state FRACTAL_NAME(judge)(struct grid_lanes *lanes, int l, int block_end) {
    struct grid_lane *lane = &lanes->lane[l];
    if (!(FRACTAL_NAME(modulus)(lanes->x[l], lanes->y[l]) <= GRID_ESCAPE)) return GRID_ESCAPED;
    if (grid_same(lanes->x[l], lane->saved_x) && grid_same(lanes->y[l], lane->saved_y)) return GRID_INSIDE;
    if (block_end && lane->n >= lane->save_at) {
        lane->saved_x = lanes->x[l];
        lane->saved_y = lanes->y[l];
        lane->save_at = 2 * lane->n;
    }
    return GRID_RUNNING;
}

/* Puts the next point that has steps to go into lane l, or makes the lane idle; the points passed. */
FRACTAL_TARGET static inline int64_t FRACTAL_NAME(fill)(struct grid_lanes *lanes, int l, int64_t limit,
                                                        struct grid_point *points, int64_t count) {
    int64_t next = 0;
    while (next < count) {
        struct grid_point *point = &points[next++];
        if (point->state != GRID_RUNNING) continue;
        if (!(FRACTAL_NAME(modulus)(point->x, point->y) <= GRID_ESCAPE)) point->state = GRID_ESCAPED;
        if (point->state != GRID_RUNNING || point->n >= limit) continue;
        lanes->x[l] = point->x, lanes->y[l] = point->y, lanes->cr[l] = point->cr, lanes->ci[l] = point->ci;
        lanes->lane[l] = (struct grid_lane){point, point->n, point->n + GRID_BLOCK, point->x, point->y};
        return next;
    }
    lanes->x[l] = lanes->y[l] = lanes->cr[l] = lanes->ci[l] = 0.0;
    lanes->lane[l] = (struct grid_lane){NULL, 0, 0, 0.0, 0.0};
    return next;
}

/* Runs `count` points until each has escaped, was found inside, or has made `limit` steps; nonzero if it was stopped. */
FRACTAL_TARGET static int FRACTAL_NAME(run)(struct grid_point *points, int64_t count, int64_t limit,
                                            struct grid_watch *watch) {
    struct grid_lanes lanes;
    int64_t next = 0, to_block_end = GRID_BLOCK;
    for (int l = 0; l < GRID_LANES; l++) next += FRACTAL_NAME(fill)(&lanes, l, limit, points + next, count - next);
    for (;;) {
        int64_t steps = to_block_end, live = 0, ended = 0;
        for (int l = 0; l < GRID_LANES; l++) {
            if (lanes.lane[l].point == NULL) continue;
            live++;
            if (limit - lanes.lane[l].n < steps) steps = limit - lanes.lane[l].n;
        }
        if (live == 0) return 0;
        steps = FRACTAL_NAME(block)(&lanes, steps);
        const int block_end = steps == to_block_end;
        to_block_end = block_end ? GRID_BLOCK : to_block_end - steps;
        for (int l = 0; l < GRID_LANES; l++) {
            struct grid_point *point = lanes.lane[l].point;
            if (point == NULL) continue;
            lanes.lane[l].n += steps;
            const enum grid_state state = FRACTAL_NAME(judge)(&lanes, l, block_end);
            if (state == GRID_RUNNING && lanes.lane[l].n < limit) continue;
            point->x = lanes.x[l], point->y = lanes.y[l], point->n = lanes.lane[l].n, point->state = state;
            next += FRACTAL_NAME(fill)(&lanes, l, limit, points + next, count - next);
            ended++;
        }
        if (grid_look(watch, steps * live, ended)) return 1;
    }
}

/* The fraction of an escaped point's ν = n + f. */
FRACTAL_TARGET static inline double FRACTAL_NAME(escape_fraction)(const struct grid_point *point) {
    double m = FRACTAL_NAME(modulus)(point->x, point->y);
    if (!(m <= DBL_MAX)) m = DBL_MAX;
    return 1.0 - FRACTAL_NAME(log2)(FRACTAL_NAME(log2)(m) * GRID_SCALE);
}

/* The colour of a point that has run, in linear light. */
FRACTAL_TARGET static inline const float *FRACTAL_NAME(light)(const struct grid_picture *p,
                                                              const struct grid_point *point) {
    if (point->state != GRID_ESCAPED) return p->inside;
    const double nu = (double)point->n + FRACTAL_NAME(escape_fraction)(point);
    const double u = grid_fraction(p->offset + p->scale * nu / GRID_TURN);
    return p->palette + 3 * ((int)(GRID_ENTRIES * u) & (GRID_ENTRIES - 1));
}

/* The bytes of one pixel, from its side² points: sx outer, sy inner. */
FRACTAL_TARGET static inline void FRACTAL_NAME(color)(const struct grid_picture *p, const struct grid_point *points,
                                                      uint8_t *rgb) {
    const int64_t samples = p->side * p->side;
    float sum[3] = {0.0f, 0.0f, 0.0f};
    for (int64_t s = 0; s < samples; s++) {
        const float *light = FRACTAL_NAME(light)(p, &points[s]);
        for (int k = 0; k < 3; k++) sum[k] += light[k];
    }
    for (int k = 0; k < 3; k++) rgb[k] = grid_byte(p, sum[k] / (float)samples);
}

/* Renders rects one after another, rows from the top, three bytes a pixel; nonzero if it was stopped. */
FRACTAL_TARGET static int FRACTAL_NAME(render)(const struct grid_picture *p, const struct grid_rect *rects, int64_t count,
                                               uint8_t *rgb, int64_t *control) {
    struct grid_point points[GRID_CHUNK];
    struct grid_watch watch = grid_watch(control, GRID_PRICE);
    const int64_t samples = p->side * p->side, chunk = GRID_CHUNK / samples;
    for (const struct grid_rect *rect = rects; rect < rects + count; rect++) {
        const int64_t pixels = rect->width * rect->height;
        for (int64_t first = 0; first < pixels; first += chunk) {
            const int64_t here = pixels - first < chunk ? pixels - first : chunk;
            struct grid_point *point = points;
            for (int64_t pixel = first; pixel < first + here; pixel++)
                for (int64_t sx = 0; sx < p->side; sx++)
                    for (int64_t sy = 0; sy < p->side; sy++)
                        *point++ = FRACTAL_NAME(start)(p, rect->x + pixel % rect->width, rect->y + pixel / rect->width, sx, sy);
            if (FRACTAL_NAME(run)(points, here * samples, p->limit, &watch)) return 1;
            for (int64_t pixel = 0; pixel < here; pixel++, rgb += 3) FRACTAL_NAME(color)(p, points + pixel * samples, rgb);
        }
    }
    grid_flush(&watch);
    return 0;
}

/* n of the first `samples` samples of each pixel, −1 inside, and their fractions f (0 inside) unless `fractions` is NULL;
 * nonzero if it was stopped. */
FRACTAL_TARGET static int FRACTAL_NAME(escapes)(const struct grid_picture *p, struct grid_rect rect, int64_t samples,
                                                int64_t *counts, double *fractions, int64_t *control) {
    struct grid_point points[GRID_CHUNK];
    struct grid_watch watch = grid_watch(control, GRID_PRICE);
    const int64_t total = rect.width * rect.height * samples;
    for (int64_t first = 0; first < total; first += GRID_CHUNK) {
        const int64_t here = total - first < GRID_CHUNK ? total - first : GRID_CHUNK;
        for (int64_t i = 0; i < here; i++) {
            const int64_t pixel = (first + i) / samples, s = (first + i) % samples;
            points[i] = FRACTAL_NAME(start)(p, rect.x + pixel % rect.width, rect.y + pixel / rect.width, s / p->side, s % p->side);
        }
        if (FRACTAL_NAME(run)(points, here, p->limit, &watch)) return 1;
        for (int64_t i = 0; i < here; i++) {
            const int escaped = points[i].state == GRID_ESCAPED;
            counts[first + i] = escaped ? points[i].n : -1;
            if (fractions) fractions[first + i] = escaped ? FRACTAL_NAME(escape_fraction)(&points[i]) : 0.0;
        }
    }
    grid_flush(&watch);
    return 0;
}

/* Runs points of a coarse pass on to `limit`; nonzero if it was stopped. */
FRACTAL_TARGET static int FRACTAL_NAME(advance)(struct grid_point *points, int64_t count, int64_t limit, int64_t *control) {
    struct grid_watch watch = grid_watch(control, GRID_PRICE);
    if (FRACTAL_NAME(run)(points, count, limit, &watch)) return 1;
    grid_flush(&watch);
    return 0;
}
