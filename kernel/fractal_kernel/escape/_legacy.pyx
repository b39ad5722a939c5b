"""The compiled half of legacy.py, which checks what comes in; the loops are in legacy.h."""

from libc.stdint cimport int64_t, uint8_t


cdef extern from "legacy.h" nogil:
    ctypedef struct legacy_picture:
        int64_t width
        int64_t height
        int64_t side
        bint julia
        double julia_re
        double julia_im
        double center_re
        double center_im
        double zoom
        int64_t max_iterations
        int color_mode

    int legacy_has_avx2()
    int legacy_render(const legacy_picture *p, const int64_t *rects, int64_t count, uint8_t *rgb, int avx2,
                      int64_t *control)
    int legacy_counts(const legacy_picture *p, const int64_t *rect, int64_t *counts, int avx2, int64_t *control)


def has_avx2():
    """Whether this processor has AVX2."""
    return legacy_has_avx2() != 0


def render(dict picture, const int64_t[:, ::1] rects, uint8_t[::1] rgb, bint avx2, int64_t[::1] control):
    """Fills `rgb` with the bytes of the rectangles, one after the other; whether it was told to stop."""
    cdef legacy_picture p = picture
    cdef int stopped
    with nogil:
        stopped = legacy_render(&p, &rects[0, 0], rects.shape[0], &rgb[0], avx2, &control[0])
    return stopped != 0


def counts(dict picture, const int64_t[::1] rect, int64_t[:, ::1] counts, bint avx2, int64_t[::1] control):
    """Fills `counts` with the steps of each pixel's first sample; whether it was told to stop."""
    cdef legacy_picture p = picture
    cdef int stopped
    with nogil:
        stopped = legacy_counts(&p, &rect[0], &counts[0, 0], avx2, &control[0])
    return stopped != 0
