/* What a processor can do at best with fused multiply-adds: built and called by kernel.py. */

#include <stdint.h>

#if defined(__x86_64__)
#define TARGET __attribute__((target("fma")))
#define KEEP(a) __asm__ volatile("" : "+x"(a))
#else
#define TARGET
#define KEEP(a) __asm__ volatile("" : "+w"(a))
#endif

/* n fused multiply-adds, each of which waits for the one before. */
TARGET double chain(int64_t n) {
    double a = 0.5;
    for (int64_t i = 0; i < n; i++) {
        a = __builtin_fma(a, 0.5, 0.25);
        KEEP(a);
    }
    return a;
}

/* 10 n fused multiply-adds in ten chains: none waits for another chain. */
TARGET double chains(int64_t n) {
    double a[10] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
    for (int64_t i = 0; i < n; i++) {
#pragma GCC unroll 10
        for (int k = 0; k < 10; k++) {
            a[k] = __builtin_fma(a[k], 0.5, 0.25);
            KEEP(a[k]);
        }
    }
    return a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7] + a[8] + a[9];
}
