/* The beginning of orbits, for one instruction set: included behind its vectors.
 *
 * Grid and Legacy samples differ in their places within a pixel, and in nothing else that is here. */

/* From places in pixels to places on the plane before it is turned, and moved to the center: from the left edge, and from
 * the lower one. Dividing takes longer than all the rest of a beginning. */
FRACTAL_TARGET static void FRACTAL_NAME(across)(const struct samples_view *p, double *x, int64_t count) {
    typedef FRACTAL_NAME(reals) reals;
    const reals w = FRACTAL_NAME(all)((double)p->width), h = FRACTAL_NAME(all)((double)p->height), aspect = w / h;
    const reals zoom = FRACTAL_NAME(all)(p->zoom), half = FRACTAL_NAME(all)(0.5);
    for (int64_t i = 0; i < count; i += FRACTAL_WIDTH)
        FRACTAL_NAME(store)(x + i, (FRACTAL_NAME(load)(x + i) / w - half) * aspect / zoom);
}
FRACTAL_TARGET static void FRACTAL_NAME(upward)(const struct samples_view *p, double *y, int64_t count) {
    typedef FRACTAL_NAME(reals) reals;
    const reals h = FRACTAL_NAME(all)((double)p->height);
    const reals zoom = FRACTAL_NAME(all)(p->zoom), half = FRACTAL_NAME(all)(0.5);
    for (int64_t i = 0; i < count; i += FRACTAL_WIDTH)
        FRACTAL_NAME(store)(y + i, (FRACTAL_NAME(load)(y + i) / h - half) / zoom);
}

/* What of a view is the same for all samples, in vectors. */
struct FRACTAL_NAME(plane) {
    FRACTAL_NAME(reals) center_re, center_im, julia_re, julia_im, m00, m01, m10, m11;
};

FRACTAL_INLINE struct FRACTAL_NAME(plane) FRACTAL_NAME(plane_of)(const struct samples_view *p) {
    return (struct FRACTAL_NAME(plane)){FRACTAL_NAME(all)(p->center_re), FRACTAL_NAME(all)(p->center_im),
                                        FRACTAL_NAME(all)(p->julia_re),  FRACTAL_NAME(all)(p->julia_im),
                                        FRACTAL_NAME(all)(p->m00),       FRACTAL_NAME(all)(p->m01),
                                        FRACTAL_NAME(all)(p->m10),       FRACTAL_NAME(all)(p->m11)};
}

/* Makes orbits of samples of a window, from i on, whose places are (u, v) on the plane before it is turned. */
FRACTAL_INLINE void FRACTAL_NAME(start)(const struct FRACTAL_NAME(plane) *p, const int julia, const int turned,
                                        struct samples_window *window, int64_t i, FRACTAL_NAME(reals) u,
                                        FRACTAL_NAME(reals) v) {
    typedef FRACTAL_NAME(reals) reals;
    const reals zero = FRACTAL_NAME(all)(0.0);
    if (turned) {
        const reals du = p->m00 * u + p->m01 * v;
        v = p->m10 * u + p->m11 * v;
        u = du;
    }
    const reals re = u + p->center_re, im = v + p->center_im;
    FRACTAL_NAME(store)(window->x + i, julia ? re : zero), FRACTAL_NAME(store)(window->y + i, julia ? im : zero);
    FRACTAL_NAME(store)(window->cr + i, julia ? p->julia_re : re);
    FRACTAL_NAME(store)(window->ci + i, julia ? p->julia_im : im);
    FRACTAL_NAME(store_ints)(window->n + i, FRACTAL_NAME(all_ints)(0));
}

/* The same of all from `first` up to `last`, and of up to a vector more: where u is NULL, their places stand in x and y;
 * else their u stand there, one after another, and v is that of all. */
FRACTAL_INLINE void FRACTAL_NAME(start_all)(const struct samples_view *p, const int julia, const int turned,
                                            struct samples_window *window, int64_t first, int64_t last, const double *u,
                                            double v) {
    const struct FRACTAL_NAME(plane) plane = FRACTAL_NAME(plane_of)(p);
    if (u)
        for (int64_t i = first; i < last; i += FRACTAL_WIDTH, u += FRACTAL_WIDTH)
            FRACTAL_NAME(start)(&plane, julia, turned, window, i, FRACTAL_NAME(load)(u), FRACTAL_NAME(all)(v));
    else
        for (int64_t i = first; i < last; i += FRACTAL_WIDTH)
            FRACTAL_NAME(start)(&plane, julia, turned, window, i, FRACTAL_NAME(load)(window->x + i),
                                FRACTAL_NAME(load)(window->y + i));
}

FRACTAL_TARGET static void FRACTAL_NAME(place)(const struct samples_view *p, struct samples_window *window, int64_t first,
                                               int64_t last, const double *u, double v) {
    if (p->turned && p->julia) FRACTAL_NAME(start_all)(p, 1, 1, window, first, last, u, v);
    else if (p->turned) FRACTAL_NAME(start_all)(p, 0, 1, window, first, last, u, v);
    else if (p->julia) FRACTAL_NAME(start_all)(p, 1, 0, window, first, last, u, v);
    else FRACTAL_NAME(start_all)(p, 0, 0, window, first, last, u, v);
}

/* The columns of a rect, all samples of them, before the plane is turned: as many as fit from `px` on. The rows have them
 * all in common. */
FRACTAL_TARGET static void FRACTAL_NAME(columns)(const struct samples_view *p, const struct samples_raster *raster,
                                                 struct samples_columns *columns, int64_t px, int64_t last) {
    const int64_t side = raster->side, fitting = SAMPLES_WINDOW / side;
    columns->first = px, columns->last = last - px < fitting ? last : px + fitting;
    double *u = columns->u;
    for (int64_t i = px; i < columns->last; i++)
        for (int64_t sx = 0; sx < side; sx++) *u++ = (double)i + raster->x[sx];
    FRACTAL_NAME(across)(p, columns->u, u - columns->u);
}

/* Begins the samples of the next pixels, from `first` up to `last` of a window: sx outer, sy inner. */
FRACTAL_TARGET static void FRACTAL_NAME(begin)(const struct samples_view *p, const struct samples_raster *raster,
                                               struct samples_window *window, int64_t first, int64_t last,
                                               struct samples_cursor *cursor) {
    const int64_t side = raster->side;
    struct samples_columns *columns = &window->columns;
    for (int64_t px, row, run; first < last;) {
        const int64_t right = cursor->rect->x + cursor->rect->width;
        run = samples_next(cursor, (last - first) / (side * side), &px, &row);
        double v[SAMPLES_SIDE + LANES_SLACK];
        for (int64_t sy = 0; sy < side; sy++) v[sy] = (double)(p->height - 1 - row) + raster->y[sy];
        FRACTAL_NAME(upward)(p, v, side);
        for (const int64_t end = px + run; px < end;) {
            if (px < columns->first || px >= columns->last) FRACTAL_NAME(columns)(p, raster, columns, px, right);
            const int64_t until = end < columns->last ? end : columns->last, count = (until - px) * side * side;
            const double *u = columns->u + side * (px - columns->first);
            px = until;
            if (side > 1) {
                double *x = window->x + first, *y = window->y + first;
                for (int64_t i = 0; i < count; i += side, u++)
                    for (int64_t sy = 0; sy < side; sy++) *x++ = *u, *y++ = v[sy];
            }
            FRACTAL_NAME(place)(p, window, first, first + count, side == 1 ? u : NULL, v[0]);
            first += count;
        }
    }
}
