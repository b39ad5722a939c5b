"""The compiled half of legacy.py, which checks what comes in; the loops are in legacy.h."""

from libc.stdint cimport int32_t, int64_t, uint8_t

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

cdef extern from "legacy.h" nogil:
    ctypedef struct legacy_picture:
        samples_view view
        int64_t side
        int64_t max_iterations
        int color_mode

    int legacy_render(int instructions, const legacy_picture *p, const samples_rect *rects, int64_t count, uint8_t *rgb,
                      samples_window *window, int64_t *control)
    int legacy_counts(int instructions, const legacy_picture *p, const samples_rect *rect, int64_t *counts,
                      samples_window *window, int64_t *control)

WINDOW_BYTES = sizeof(samples_window)


cdef legacy_picture picture_of(definition, int64_t side):
    return legacy_picture(
        view=samples_view(
            width=definition.frame.width, height=definition.frame.height, julia=definition.julia, turned=0,
            julia_re=definition.julia_re, julia_im=definition.julia_im,
            center_re=definition.center_re, center_im=definition.center_im, zoom=definition.zoom,
            m00=0.0, m01=0.0, m10=0.0, m11=0.0),
        side=side, max_iterations=definition.max_iterations, color_mode=definition.color_mode)


def render(int instructions, definition, const int64_t[:, ::1] rects, uint8_t[::1] rgb, uint8_t[::1] window,
           int64_t[::1] control):
    """Fills `rgb` with the bytes of the rectangles, one after the other; whether it was told to stop."""
    cdef legacy_picture p = picture_of(definition, definition.frame.side)
    cdef int stopped
    with nogil:
        stopped = legacy_render(instructions, &p, <const samples_rect *> &rects[0, 0], rects.shape[0], &rgb[0],
                                <samples_window *> &window[0], &control[0])
    return stopped != 0


def counts(int instructions, definition, const int64_t[::1] rect, int64_t[:, ::1] counts, uint8_t[::1] window,
           int64_t[::1] control):
    """Fills `counts` with the steps of each pixel's first sample; whether it was told to stop."""
    cdef legacy_picture p = picture_of(definition, 1)
    cdef int stopped
    with nogil:
        stopped = legacy_counts(instructions, &p, <const samples_rect *> &rect[0], &counts[0, 0],
                                <samples_window *> &window[0], &control[0])
    return stopped != 0
