/* The beginning of orbits, for one instruction set: included behind its vectors.
 *
 * Grid and Legacy samples differ in their places within a pixel, and in nothing else that is here. */

/* Makes orbits of samples whose place in the picture, in pixels from its left and lower edges, stands in x and y. */
FRACTAL_TARGET static void FRACTAL_NAME(place)(const struct samples_view *p, struct samples_window *window,
                                               int64_t count) {
    typedef FRACTAL_NAME(reals) reals;
    const reals w = FRACTAL_NAME(all)((double)p->width), h = FRACTAL_NAME(all)((double)p->height);
    const reals zoom = FRACTAL_NAME(all)(p->zoom), half = FRACTAL_NAME(all)(0.5), aspect = w / h;
    const reals zero = FRACTAL_NAME(all)(0.0);
    const reals julia_re = FRACTAL_NAME(all)(p->julia_re), julia_im = FRACTAL_NAME(all)(p->julia_im);
    /* Most neighbours have the same y, and dividing takes longer than all the rest. */
    reals py = FRACTAL_NAME(all)(__builtin_nan("")), row = py;
    for (int64_t i = 0; i < count; i += FRACTAL_WIDTH) {
        const reals y = FRACTAL_NAME(load)(window->y + i);
        if (FRACTAL_NAME(any)(FRACTAL_NAME(beyond)(y, py)) || FRACTAL_NAME(any)(FRACTAL_NAME(beyond)(py, y)))
            py = y, row = (y / h - half) / zoom;
        reals u = (FRACTAL_NAME(load)(window->x + i) / w - half) * aspect / zoom, v = row;
        if (p->turned) {
            const reals du = p->m00 * u + p->m01 * v;
            v = p->m10 * u + p->m11 * v;
            u = du;
        }
        const reals re = u + p->center_re, im = v + p->center_im;
        FRACTAL_NAME(store)(window->x + i, p->julia ? re : zero);
        FRACTAL_NAME(store)(window->y + i, p->julia ? im : zero);
        FRACTAL_NAME(store)(window->cr + i, p->julia ? julia_re : re);
        FRACTAL_NAME(store)(window->ci + i, p->julia ? julia_im : im);
        FRACTAL_NAME(store_ints)(window->n + i, FRACTAL_NAME(all_ints)(0));
    }
}

/* Begins the samples of the next pixels: sx outer, sy inner. */
FRACTAL_TARGET static void FRACTAL_NAME(begin)(const struct samples_view *p, const struct samples_raster *raster,
                                               struct samples_window *window, int64_t pixels,
                                               struct samples_cursor *cursor) {
    const int64_t side = raster->side;
    double *x = window->x, *y = window->y;
    for (int64_t left = pixels, run; left > 0; left -= run) {
        int64_t px, row;
        run = samples_next(cursor, left, &px, &row);
        const double low = (double)(p->height - 1 - row);
        if (side == 1)
            for (int64_t i = 0; i < run; i++) *x++ = (double)(px + i) + raster->x[0], *y++ = low + raster->y[0];
        else
            for (int64_t i = 0; i < run; i++)
                for (int64_t sx = 0; sx < side; sx++)
                    for (int64_t sy = 0; sy < side; sy++)
                        *x++ = (double)(px + i) + raster->x[sx], *y++ = low + raster->y[sy];
    }
    FRACTAL_NAME(place)(p, window, pixels * side * side);
}
