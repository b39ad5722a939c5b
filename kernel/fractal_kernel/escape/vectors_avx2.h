/* Vectors of four doubles: AVX2 with fused multiply-adds. The names are those of vectors_plain.h, which says what each does. */

#include <immintrin.h>

#define FRACTAL_WIDTH 4

typedef double FRACTAL_NAME(reals) __attribute__((vector_size(32)));
typedef int64_t FRACTAL_NAME(ints) __attribute__((vector_size(32)));
typedef uint64_t FRACTAL_NAME(uints) __attribute__((vector_size(32)));
typedef FRACTAL_NAME(ints) FRACTAL_NAME(mask);

/* Which 32-bit halves go where when the lanes of a mask move down to the first places. */
#define LANE(i) 2 * (i), 2 * (i) + 1
static const int32_t FRACTAL_NAME(down)[16][8] __attribute__((aligned(32))) = {
    {LANE(0), LANE(1), LANE(2), LANE(3)}, {LANE(0), LANE(1), LANE(2), LANE(3)}, {LANE(1), LANE(0), LANE(2), LANE(3)},
    {LANE(0), LANE(1), LANE(2), LANE(3)}, {LANE(2), LANE(0), LANE(1), LANE(3)}, {LANE(0), LANE(2), LANE(1), LANE(3)},
    {LANE(1), LANE(2), LANE(0), LANE(3)}, {LANE(0), LANE(1), LANE(2), LANE(3)}, {LANE(3), LANE(0), LANE(1), LANE(2)},
    {LANE(0), LANE(3), LANE(1), LANE(2)}, {LANE(1), LANE(3), LANE(0), LANE(2)}, {LANE(0), LANE(1), LANE(3), LANE(2)},
    {LANE(2), LANE(3), LANE(0), LANE(1)}, {LANE(0), LANE(2), LANE(3), LANE(1)}, {LANE(1), LANE(2), LANE(3), LANE(0)},
    {LANE(0), LANE(1), LANE(2), LANE(3)},
};
/* The same the other way: the first places move up to the lanes of a mask. */
static const int32_t FRACTAL_NAME(up)[16][8] __attribute__((aligned(32))) = {
    {LANE(0), LANE(0), LANE(0), LANE(0)}, {LANE(0), LANE(0), LANE(0), LANE(0)}, {LANE(0), LANE(0), LANE(0), LANE(0)},
    {LANE(0), LANE(1), LANE(0), LANE(0)}, {LANE(0), LANE(0), LANE(0), LANE(0)}, {LANE(0), LANE(0), LANE(1), LANE(0)},
    {LANE(0), LANE(0), LANE(1), LANE(0)}, {LANE(0), LANE(1), LANE(2), LANE(0)}, {LANE(0), LANE(0), LANE(0), LANE(0)},
    {LANE(0), LANE(0), LANE(0), LANE(1)}, {LANE(0), LANE(0), LANE(0), LANE(1)}, {LANE(0), LANE(1), LANE(0), LANE(2)},
    {LANE(0), LANE(0), LANE(0), LANE(1)}, {LANE(0), LANE(0), LANE(1), LANE(2)}, {LANE(0), LANE(0), LANE(1), LANE(2)},
    {LANE(0), LANE(1), LANE(2), LANE(3)},
};
#undef LANE

FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(all)(double a) { return (FRACTAL_NAME(reals))_mm256_set1_pd(a); }
FRACTAL_INLINE FRACTAL_NAME(ints) FRACTAL_NAME(all_ints)(int64_t a) {
    return (FRACTAL_NAME(ints))_mm256_set1_epi64x(a);
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(load)(const double *from) {
    return (FRACTAL_NAME(reals))_mm256_loadu_pd(from);
}
FRACTAL_INLINE FRACTAL_NAME(ints) FRACTAL_NAME(load_ints)(const int64_t *from) {
    return (FRACTAL_NAME(ints))_mm256_loadu_si256((const __m256i *)from);
}
FRACTAL_INLINE void FRACTAL_NAME(store)(double *to, FRACTAL_NAME(reals) a) { _mm256_storeu_pd(to, (__m256d)a); }
FRACTAL_INLINE void FRACTAL_NAME(store_ints)(int64_t *to, FRACTAL_NAME(ints) a) {
    _mm256_storeu_si256((__m256i *)to, (__m256i)a);
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(fma)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b, FRACTAL_NAME(reals) c) {
    return (FRACTAL_NAME(reals))_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(fnma)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b, FRACTAL_NAME(reals) c) {
    return (FRACTAL_NAME(reals))_mm256_fnmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(root)(FRACTAL_NAME(reals) a) {
    return (FRACTAL_NAME(reals))_mm256_sqrt_pd((__m256d)a);
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(absolute)(FRACTAL_NAME(reals) a) {
    return (FRACTAL_NAME(reals))((FRACTAL_NAME(ints))a & FRACTAL_NAME(all_ints)(INT64_MAX));
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(floor)(FRACTAL_NAME(reals) a) {
    return (FRACTAL_NAME(reals))_mm256_floor_pd((__m256d)a);
}
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(beyond)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b) {
    return (FRACTAL_NAME(mask))_mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_NLE_UQ);
}
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(not_below)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b) {
    return (FRACTAL_NAME(mask))_mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_NLT_UQ);
}
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(same)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b) {
    return (FRACTAL_NAME(ints))a == (FRACTAL_NAME(ints))b;
}
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(equal)(FRACTAL_NAME(ints) a, FRACTAL_NAME(ints) b) { return a == b; }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(above)(FRACTAL_NAME(ints) a, FRACTAL_NAME(ints) b) { return a > b; }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(none)(void) { return (FRACTAL_NAME(mask)){0}; }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(both)(FRACTAL_NAME(mask) a, FRACTAL_NAME(mask) b) { return a & b; }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(either)(FRACTAL_NAME(mask) a, FRACTAL_NAME(mask) b) { return a | b; }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(without)(FRACTAL_NAME(mask) a, FRACTAL_NAME(mask) b) { return a & ~b; }
FRACTAL_INLINE unsigned FRACTAL_NAME(bits)(FRACTAL_NAME(mask) a) { return (unsigned)_mm256_movemask_pd((__m256d)a); }
FRACTAL_INLINE int FRACTAL_NAME(any)(FRACTAL_NAME(mask) a) { return !_mm256_testz_si256((__m256i)a, (__m256i)a); }
FRACTAL_INLINE FRACTAL_NAME(ints) FRACTAL_NAME(count)(FRACTAL_NAME(ints) a, FRACTAL_NAME(mask) yes) {
    return a + yes;
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(pick)(FRACTAL_NAME(mask) which, FRACTAL_NAME(reals) yes, FRACTAL_NAME(reals) no) {
    return (FRACTAL_NAME(reals))_mm256_blendv_pd((__m256d)no, (__m256d)yes, (__m256d)which);
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(put)(FRACTAL_NAME(reals) where, FRACTAL_NAME(mask) which, FRACTAL_NAME(reals) a) {
    return (FRACTAL_NAME(reals))((FRACTAL_NAME(ints))where | ((FRACTAL_NAME(ints))a & which));
}
FRACTAL_INLINE void FRACTAL_NAME(gather)(double *to, FRACTAL_NAME(mask) which, FRACTAL_NAME(reals) a) {
    const __m256i order = _mm256_load_si256((const __m256i *)FRACTAL_NAME(down)[FRACTAL_NAME(bits)(which)]);
    _mm256_storeu_pd(to, (__m256d)_mm256_permutevar8x32_ps((__m256)a, order));
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(spread)(const double *from, FRACTAL_NAME(mask) which, FRACTAL_NAME(reals) old) {
    const __m256i order = _mm256_load_si256((const __m256i *)FRACTAL_NAME(up)[FRACTAL_NAME(bits)(which)]);
    const __m256 spread = _mm256_permutevar8x32_ps((__m256)_mm256_loadu_pd(from), order);
    return FRACTAL_NAME(pick)(which, (FRACTAL_NAME(reals))spread, old);
}
