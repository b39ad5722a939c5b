/* What a processor can do at best with fused multiply-adds: built and called by fma_limit.py.
 *
 * The instructions are written out, so that no compiler leaves one away. Each loop has twelve chains, none of which waits
 * for another. `mixed` has an addition besides for every three multiply-adds, as an iteration has. */

#include <stdint.h>

#if defined(__x86_64__)

#define TWELVE(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11)
#define CHAINS(name, type, letter, needed)                                                                             \
    __attribute__((target(needed), noinline)) double name(int64_t n, int mixed) {                                      \
        type half = {0}, sum;                                                                                          \
        half = half + 0.5;                                                                                             \
        TWELVE(BEGIN_##letter)                                                                                         \
        if (mixed)                                                                                                     \
            for (int64_t i = 0; i < n; i++) { TWELVE(MIXED_##letter) }                                                 \
        else                                                                                                           \
            for (int64_t i = 0; i < n; i++) { TWELVE(FMA_##letter) }                                                   \
        return 0.0 TWELVE(SUM);                                                                                        \
    }

typedef double four __attribute__((vector_size(32)));
typedef double eight __attribute__((vector_size(64)));

#define SUM(k) +a##k[0]
#define BEGIN_x(k) four a##k = half;
#define BEGIN_v(k) eight a##k = half;
#define FMA_x(k) __asm__ volatile("vfmadd213pd %1, %1, %0" : "+x"(a##k) : "x"(half));
#define FMA_v(k) __asm__ volatile("vfmadd213pd %1, %1, %0" : "+v"(a##k) : "v"(half));
#define ADD_x(k)                                                                                                       \
    if (k % 3 == 2) __asm__ volatile("vaddpd %1, %1, %0" : "=x"(sum) : "x"(half));
#define ADD_v(k)                                                                                                       \
    if (k % 3 == 2) __asm__ volatile("vaddpd %1, %1, %0" : "=v"(sum) : "v"(half));
#define MIXED_x(k) FMA_x(k) ADD_x(k)
#define MIXED_v(k) FMA_v(k) ADD_v(k)

CHAINS(fma_avx2, four, x, "avx2,fma")
CHAINS(fma_avx512, eight, v, "avx512f")

#endif
