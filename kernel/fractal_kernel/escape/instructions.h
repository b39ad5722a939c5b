/* The instruction sets that the loops are built for, and which of them this processor has.
 *
 * A header with a loop's body is included once for each set, with FRACTAL_TARGET, FRACTAL_NAME and FRACTAL_VECTORS
 * defined; see grid.h. The first set needs nothing but what the compiler may assume anyway. */

#ifndef FRACTAL_INSTRUCTIONS_H
#define FRACTAL_INSTRUCTIONS_H

#include <float.h>

#if FLT_EVAL_METHOD != 0
#error "a picture is defined to the bit: doubles must not be evaluated in a wider format"
#endif

/* Small parts of a loop, which belong into their callers' instruction set. */
#define FRACTAL_INLINE FRACTAL_TARGET static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define FRACTAL_SETS {"sse2", "avx2", "avx512"}
#define FRACTAL_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define FRACTAL_TARGET_AVX512 __attribute__((target("avx512f,avx512dq,avx2,fma")))
#elif defined(__aarch64__)
#define FRACTAL_SETS {"neon"}
#else
#define FRACTAL_SETS {"plain"}
#endif

enum { FRACTAL_FIRST, FRACTAL_AVX2, FRACTAL_AVX512 };

/* Whether the first set's fused multiply-add is the C library's function. */
#if defined(__aarch64__) || defined(__FP_FAST_FMA)
#define FRACTAL_CALLS_LIBM 0
#else
#define FRACTAL_CALLS_LIBM 1
#endif

static const char *const fractal_sets[] = FRACTAL_SETS;
static const int fractal_set_count = sizeof fractal_sets / sizeof fractal_sets[0];

/* Whether the processor has a set, and the operating system keeps its registers. */
static inline int fractal_has(int set) {
#if defined(__x86_64__)
    if (set == FRACTAL_AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (set == FRACTAL_AVX512) return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
#endif
    return set == FRACTAL_FIRST;
}

#endif
