"""The compiled Grid loops; grid.py has the documented door, which checks what comes in."""

from libc.stdint cimport int32_t, int64_t, uint8_t

cdef extern from "grid.h" nogil:
    int GRID_HAS_FMA
    int GRID_LANES
    int GRID_GUESSES

    struct grid_point:
        pass

    struct grid_rect:
        int64_t x, y, width, height

    struct grid_picture:
        int64_t width, height, side, limit
        int32_t julia, turned
        double center_re, center_im, zoom, julia_re, julia_im
        double m00, m01, m10, m11
        double offset, scale
        const float *palette
        const float *inside
        const float *thresholds
        const uint8_t *guesses

    int grid_render(bint fma, const grid_picture *picture, const grid_rect *rects, int64_t count,
                    uint8_t *rgb, int64_t *control)
    int grid_escapes(bint fma, const grid_picture *picture, const grid_rect *rect, int64_t samples,
                     int64_t *counts, double *fractions, int64_t *control)
    void grid_start(const grid_picture *picture, const int64_t *pixels, int64_t count, grid_point *points)
    int grid_advance(bint fma, grid_point *points, int64_t count, int64_t limit, int64_t *control)

LANES = GRID_LANES
GUESSES = GRID_GUESSES
POINT_BYTES = sizeof(grid_point)


def has_fma():
    return GRID_HAS_FMA != 0


cdef class Loops:
    """One picture's numbers and tables, for one instruction set."""

    cdef grid_picture picture
    cdef bint fma
    cdef const float[:, ::1] palette
    cdef const float[::1] inside, thresholds
    cdef const uint8_t[::1] guesses

    def __init__(self, definition, tables, bint fma):
        frame = definition.frame
        self.fma = fma
        self.palette, self.inside, self.thresholds, self.guesses = tables
        self.picture.palette = &self.palette[0, 0]
        self.picture.inside = &self.inside[0]
        self.picture.thresholds = &self.thresholds[0]
        self.picture.guesses = &self.guesses[0]
        self.picture.width, self.picture.height, self.picture.side = frame.width, frame.height, frame.side
        self.picture.limit = definition.max_iterations
        self.picture.julia = definition.julia
        self.picture.julia_re, self.picture.julia_im = definition.julia_re, definition.julia_im
        self.picture.center_re, self.picture.center_im = definition.center_re, definition.center_im
        self.picture.zoom = definition.zoom
        self.picture.turned = definition.matrix is not None
        if definition.matrix is not None:
            self.picture.m00, self.picture.m01, self.picture.m10, self.picture.m11 = definition.matrix
        self.picture.offset, self.picture.scale = definition.offset, definition.scale

    def render(self, const int64_t[:, ::1] rects, uint8_t[::1] rgb, int64_t[::1] control):
        cdef int stopped
        with nogil:
            stopped = grid_render(self.fma, &self.picture, <const grid_rect *> &rects[0, 0], rects.shape[0],
                                  &rgb[0], &control[0])
        return stopped != 0

    def escapes(self, const int64_t[:, ::1] rect, int64_t samples, int64_t[::1] counts, double[::1] fractions,
                int64_t[::1] control):
        cdef int stopped
        cdef double *wanted = NULL if fractions is None else &fractions[0]
        with nogil:
            stopped = grid_escapes(self.fma, &self.picture, <const grid_rect *> &rect[0, 0], samples,
                                   &counts[0], wanted, &control[0])
        return stopped != 0

    def start(self, const int64_t[:, ::1] pixels, uint8_t[::1] points):
        grid_start(&self.picture, &pixels[0, 0], pixels.shape[0], <grid_point *> &points[0])

    def advance(self, uint8_t[::1] points, int64_t count, int64_t limit, int64_t[::1] control):
        cdef int stopped
        with nogil:
            stopped = grid_advance(self.fma, <grid_point *> &points[0], count, limit, &control[0])
        return stopped != 0
