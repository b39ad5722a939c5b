/* Vectors of two doubles, of whatever the compiler has for them: SSE2 on x86-64, NEON on AArch64, else plain doubles.
 *
 * Included once for each instruction set, with FRACTAL_INLINE and FRACTAL_NAME defined; vectors_avx2.h and
 * vectors_avx512.h have the same names for wider ones. A mask says yes or no of each lane; bits() has lane 0 in bit 0. */

#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#define FRACTAL_WIDTH 2

typedef double FRACTAL_NAME(reals) __attribute__((vector_size(16)));
typedef int64_t FRACTAL_NAME(ints) __attribute__((vector_size(16)));
typedef uint64_t FRACTAL_NAME(uints) __attribute__((vector_size(16)));
typedef FRACTAL_NAME(ints) FRACTAL_NAME(mask);

FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(all)(double a) { return (FRACTAL_NAME(reals)){a, a}; }
FRACTAL_INLINE FRACTAL_NAME(ints) FRACTAL_NAME(all_ints)(int64_t a) { return (FRACTAL_NAME(ints)){a, a}; }
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(load)(const double *from) {
    FRACTAL_NAME(reals) a;
    memcpy(&a, from, sizeof a);
    return a;
}
FRACTAL_INLINE FRACTAL_NAME(ints) FRACTAL_NAME(load_ints)(const int64_t *from) {
    FRACTAL_NAME(ints) a;
    memcpy(&a, from, sizeof a);
    return a;
}
FRACTAL_INLINE void FRACTAL_NAME(store)(double *to, FRACTAL_NAME(reals) a) { memcpy(to, &a, sizeof a); }
FRACTAL_INLINE void FRACTAL_NAME(store_ints)(int64_t *to, FRACTAL_NAME(ints) a) { memcpy(to, &a, sizeof a); }

/* a·b + c and c − a·b, each rounded once; the C library's where the processor has no instruction for it. */
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(fma)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b, FRACTAL_NAME(reals) c) {
#if defined(__aarch64__)
    return (FRACTAL_NAME(reals))vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return (FRACTAL_NAME(reals)){__builtin_fma(a[0], b[0], c[0]), __builtin_fma(a[1], b[1], c[1])};
#endif
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(fnma)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b, FRACTAL_NAME(reals) c) {
    return FRACTAL_NAME(fma)(-a, b, c);
}
/* √a, which IEEE 754 defines to the bit. */
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(root)(FRACTAL_NAME(reals) a) {
    return (FRACTAL_NAME(reals)){__builtin_sqrt(a[0]), __builtin_sqrt(a[1])};
}
/* |a|. */
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(absolute)(FRACTAL_NAME(reals) a) {
    return (FRACTAL_NAME(reals))((FRACTAL_NAME(ints))a & FRACTAL_NAME(all_ints)(INT64_MAX));
}
/* The next lower whole number of |a| < 2^52, without a function of the C library; of others a itself. */
FRACTAL_INLINE double FRACTAL_NAME(floor_one)(double a) {
    if (!(a < 4503599627370496.0 && a > -4503599627370496.0)) return a;
    const double whole = (double)(int64_t)a;
    return whole > a ? whole - 1.0 : whole;
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(floor)(FRACTAL_NAME(reals) a) {
    return (FRACTAL_NAME(reals)){FRACTAL_NAME(floor_one)(a[0]), FRACTAL_NAME(floor_one)(a[1])};
}
/* !(a ≤ b) and !(a < b): yes where one is not a number. */
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(beyond)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b) {
    return ~(FRACTAL_NAME(mask))(a <= b);
}
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(not_below)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b) {
    return ~(FRACTAL_NAME(mask))(a < b);
}
/* The same to the bit. */
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(same)(FRACTAL_NAME(reals) a, FRACTAL_NAME(reals) b) {
    return (FRACTAL_NAME(ints))a == (FRACTAL_NAME(ints))b;
}
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(equal)(FRACTAL_NAME(ints) a, FRACTAL_NAME(ints) b) { return a == b; }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(above)(FRACTAL_NAME(ints) a, FRACTAL_NAME(ints) b) { return a > b; }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(none)(void) { return (FRACTAL_NAME(mask)){0}; }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(both)(FRACTAL_NAME(mask) a, FRACTAL_NAME(mask) b) { return a & b; }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(either)(FRACTAL_NAME(mask) a, FRACTAL_NAME(mask) b) { return a | b; }
FRACTAL_INLINE FRACTAL_NAME(mask) FRACTAL_NAME(without)(FRACTAL_NAME(mask) a, FRACTAL_NAME(mask) b) { return a & ~b; }
FRACTAL_INLINE unsigned FRACTAL_NAME(bits)(FRACTAL_NAME(mask) a) { return (unsigned)((a[0] & 1) | (a[1] & 2)); }
FRACTAL_INLINE int FRACTAL_NAME(any)(FRACTAL_NAME(mask) a) { return (a[0] | a[1]) != 0; }
/* a − 1 where yes, else a. */
FRACTAL_INLINE FRACTAL_NAME(ints) FRACTAL_NAME(count)(FRACTAL_NAME(ints) a, FRACTAL_NAME(mask) yes) {
    return a + yes;
}
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(pick)(FRACTAL_NAME(mask) which, FRACTAL_NAME(reals) yes, FRACTAL_NAME(reals) no) {
    return (FRACTAL_NAME(reals))(((FRACTAL_NAME(ints))yes & which) | ((FRACTAL_NAME(ints))no & ~which));
}
/* The lanes of a mask in a vector that is 0 there. */
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(put)(FRACTAL_NAME(reals) where, FRACTAL_NAME(mask) which, FRACTAL_NAME(reals) a) {
    return (FRACTAL_NAME(reals))((FRACTAL_NAME(ints))where | ((FRACTAL_NAME(ints))a & which));
}
/* Writes the lanes of a mask one after another; whatever comes after them, up to a vector's length, is overwritten. */
FRACTAL_INLINE void FRACTAL_NAME(gather)(double *to, FRACTAL_NAME(mask) which, FRACTAL_NAME(reals) a) {
    const FRACTAL_NAME(reals) down = {which[0] ? a[0] : a[1], a[1]};
    memcpy(to, &down, sizeof down);
}
/* The lanes of a mask from memory, one after another; the others are those of `old`. Reads a vector's length. */
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(spread)(const double *from, FRACTAL_NAME(mask) which, FRACTAL_NAME(reals) old) {
    const FRACTAL_NAME(reals) read = FRACTAL_NAME(load)(from);
    const FRACTAL_NAME(reals) up = {read[0], which[0] ? read[1] : read[0]};
    return FRACTAL_NAME(pick)(which, up, old);
}
