"""The compiled Grid loops; grid.py has the documented door, which checks what comes in."""

from libc.stdint cimport int32_t, int64_t, uint8_t

cdef extern from "instructions.h" nogil:
    const char *fractal_sets[3]
    int fractal_set_count
    int FRACTAL_CALLS_LIBM
    bint fractal_has(int instructions)

cdef extern from "samples.h" nogil:
    struct samples_window:
        pass

    struct samples_rect:
        int64_t x, y, width, height

    struct samples_view:
        int64_t width, height
        int32_t julia, turned
        double julia_re, julia_im, center_re, center_im, zoom
        double m00, m01, m10, m11

cdef extern from "grid.h" nogil:
    int GRID_GUESSES

    struct grid_point:
        pass

    struct grid_picture:
        samples_view view
        int64_t side, limit
        int32_t shortcuts
        double offset, scale
        const float *palette
        const uint8_t *bytes
        const float *thresholds
        const uint8_t *guesses

    int grid_render(int instructions, const grid_picture *picture, const samples_rect *rects, int64_t count,
                    uint8_t *rgb, samples_window *window, int64_t *control)
    int grid_escapes(int instructions, const grid_picture *picture, const samples_rect *rect, int64_t side,
                     int64_t *counts, double *fractions, samples_window *window, int64_t *control)
    void grid_start(int instructions, const grid_picture *picture, const int64_t *pixels, int64_t count,
                    grid_point *points, samples_window *window)
    int grid_advance(int instructions, const grid_picture *picture, grid_point *points, int64_t count, int64_t limit,
                     samples_window *window, int64_t *control)

GUESSES = GRID_GUESSES
POINT_BYTES = sizeof(grid_point)
WINDOW_BYTES = sizeof(samples_window)
SETS = tuple([fractal_sets[i].decode() for i in range(fractal_set_count)])
CALLS_LIBM = FRACTAL_CALLS_LIBM != 0


def has(int instructions):
    return fractal_has(instructions)


cdef class Loops:
    """One picture's numbers and tables, for one instruction set: a place in SETS."""

    cdef grid_picture picture
    cdef int instructions
    cdef const float[:, ::1] palette
    cdef const uint8_t[:, ::1] bytes
    cdef const float[::1] thresholds
    cdef const uint8_t[::1] guesses

    def __init__(self, definition, tables, int instructions, int shortcuts):
        cdef samples_view *view
        frame = definition.frame
        self.instructions = instructions
        self.palette, self.bytes, self.thresholds, self.guesses = tables
        self.picture.palette = &self.palette[0, 0]
        self.picture.bytes = &self.bytes[0, 0]
        self.picture.thresholds = &self.thresholds[0]
        self.picture.guesses = &self.guesses[0]
        self.picture.side, self.picture.limit = frame.side, definition.max_iterations
        self.picture.shortcuts = shortcuts
        self.picture.view = samples_view(
            width=frame.width, height=frame.height, julia=definition.julia, turned=definition.matrix is not None,
            julia_re=definition.julia_re, julia_im=definition.julia_im,
            center_re=definition.center_re, center_im=definition.center_im, zoom=definition.zoom,
            m00=0.0, m01=0.0, m10=0.0, m11=0.0)
        if definition.matrix is not None:
            view = &self.picture.view
            view.m00, view.m01, view.m10, view.m11 = definition.matrix
        self.picture.offset, self.picture.scale = definition.offset, definition.scale

    def render(self, const int64_t[:, ::1] rects, uint8_t[::1] rgb, uint8_t[::1] window, int64_t[::1] control):
        cdef int stopped
        with nogil:
            stopped = grid_render(self.instructions, &self.picture, <const samples_rect *> &rects[0, 0], rects.shape[0],
                                  &rgb[0], <samples_window *> &window[0], &control[0])
        return stopped != 0

    def escapes(self, const int64_t[:, ::1] rect, int64_t side, int64_t[::1] counts, double[::1] fractions,
                uint8_t[::1] window, int64_t[::1] control):
        cdef int stopped
        cdef double *wanted = NULL if fractions is None else &fractions[0]
        with nogil:
            stopped = grid_escapes(self.instructions, &self.picture, <const samples_rect *> &rect[0, 0], side,
                                   &counts[0], wanted, <samples_window *> &window[0], &control[0])
        return stopped != 0

    def start(self, const int64_t[:, ::1] pixels, uint8_t[::1] points, uint8_t[::1] window):
        grid_start(self.instructions, &self.picture, &pixels[0, 0], pixels.shape[0], <grid_point *> &points[0],
                   <samples_window *> &window[0])

    def advance(self, uint8_t[::1] points, int64_t count, int64_t limit, uint8_t[::1] window, int64_t[::1] control):
        cdef int stopped
        with nogil:
            stopped = grid_advance(self.instructions, &self.picture, <grid_point *> &points[0], count, limit,
                                   <samples_window *> &window[0], &control[0])
        return stopped != 0
