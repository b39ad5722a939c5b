/* Vectors of eight doubles: AVX-512 (F and DQ). The names are those of vectors_plain.h, which says what each does. */

#include <immintrin.h>

#define FRACTAL_WIDTH 8

typedef double FRACTAL_NAME(reals) __attribute__((vector_size(64)));
typedef int64_t FRACTAL_NAME(ints) __attribute__((vector_size(64)));
typedef uint64_t FRACTAL_NAME(uints) __attribute__((vector_size(64)));
typedef __mmask8 FRACTAL_NAME(mask);

FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(all)(double a) { return (FRACTAL_NAME(reals))_mm512_set1_pd(a); }
FRACTAL_INLINE FRACTAL_NAME(ints) FRACTAL_NAME(all_ints)(int64_t a) { return (FRACTAL_NAME(ints))_mm512_set1_epi64(a); }
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(load)(const double *from) {
    return (FRACTAL_NAME(reals))_mm512_loadu_pd(from);
}
FRACTAL_INLINE FRACTAL_NAME(ints) FRACTAL_NAME(load_ints)(const int64_t *from) {
    return (FRACTAL_NAME(ints))_mm512_loadu_si512(from);
}
FRACTAL_INLINE void FRACTAL_NAME(store)(double *to, FRACTAL_NAME(reals) a) { _mm512_storeu_pd(to, (__m512d)a); }
FRACTAL_INLINE void FRACTAL_NAME(store_ints)(int64_t *to, FRACTAL_NAME(ints) a) {
    _mm512_storeu_si512(to, (__m512i)a);
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(fma)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b, FRACTAL_NAME(reals) c) {
    return (FRACTAL_NAME(reals))_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(fnma)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b, FRACTAL_NAME(reals) c) {
    return (FRACTAL_NAME(reals))_mm512_fnmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(root)(FRACTAL_NAME(reals) a) {
    return (FRACTAL_NAME(reals))_mm512_sqrt_pd((__m512d)a);
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(absolute)(FRACTAL_NAME(reals) a) {
    return (FRACTAL_NAME(reals))((FRACTAL_NAME(ints))a & FRACTAL_NAME(all_ints)(INT64_MAX));
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(floor)(FRACTAL_NAME(reals) a) {
    return (FRACTAL_NAME(reals))_mm512_floor_pd((__m512d)a);
}
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(beyond)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b) {
    return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_NLE_UQ);
}
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(not_below)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b) {
    return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_NLT_UQ);
}
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(same)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b) {
    return _mm512_cmpeq_epi64_mask((__m512i)a, (__m512i)b);
}
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(equal)(FRACTAL_NAME(ints) a, FRACTAL_NAME(ints) b) {
    return _mm512_cmpeq_epi64_mask((__m512i)a, (__m512i)b);
}
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(above)(FRACTAL_NAME(ints) a, FRACTAL_NAME(ints) b) {
    return _mm512_cmpgt_epi64_mask((__m512i)a, (__m512i)b);
}
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(none)(void) { return 0; }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(both)(FRACTAL_NAME(mask) a, FRACTAL_NAME(mask) b) { return (__mmask8)(a & b); }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(either)(FRACTAL_NAME(mask) a, FRACTAL_NAME(mask) b) { return (__mmask8)(a | b); }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(without)(FRACTAL_NAME(mask) a, FRACTAL_NAME(mask) b) { return (__mmask8)(a & ~b); }
FRACTAL_INLINE unsigned FRACTAL_NAME(bits)(FRACTAL_NAME(mask) a) { return a; }
FRACTAL_INLINE int FRACTAL_NAME(any)(FRACTAL_NAME(mask) a) { return a != 0; }
FRACTAL_INLINE FRACTAL_NAME(ints) FRACTAL_NAME(count)(FRACTAL_NAME(ints) a, FRACTAL_NAME(mask) yes) {
    return (FRACTAL_NAME(ints))_mm512_mask_sub_epi64((__m512i)a, yes, (__m512i)a, _mm512_set1_epi64(1));
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(pick)(FRACTAL_NAME(mask) which, FRACTAL_NAME(reals) yes, FRACTAL_NAME(reals) no) {
    return (FRACTAL_NAME(reals))_mm512_mask_mov_pd((__m512d)no, which, (__m512d)yes);
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(put)(FRACTAL_NAME(reals) where, FRACTAL_NAME(mask) which, FRACTAL_NAME(reals) a) {
    return FRACTAL_NAME(pick)(which, a, where);
}
/* In a register, then stored: Zen 4 takes over a hundred cycles for the instruction that does both. */
FRACTAL_INLINE void FRACTAL_NAME(gather)(double *to, FRACTAL_NAME(mask) which, FRACTAL_NAME(reals) a) {
    _mm512_storeu_pd(to, _mm512_maskz_compress_pd(which, (__m512d)a));
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(spread)(const double *from, FRACTAL_NAME(mask) which, FRACTAL_NAME(reals) old) {
    return (FRACTAL_NAME(reals))_mm512_mask_expand_pd((__m512d)old, which, _mm512_loadu_pd(from));
}
