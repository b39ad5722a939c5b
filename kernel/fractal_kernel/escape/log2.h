/* The base-two logarithm of Grid pictures: ours, since glibc picks its own by processor, with different last bits.
 *
 * Included once for each instruction set, by grid_loop.h, which defines FRACTAL_TARGET and FRACTAL_NAME. The twin in
 * slow/log2.py does the same operations in the same order; any change here changes every picture.
 *
 * x = 2^e m with m in [√½, √2); s = (m − 1)/(m + 1); log2 m = s · Σ 2/((2k + 1) ln 2) s^2k. Ten terms leave out less than
 * 2.3e-17 of the sum. */

/* The bits of √½, rounded up: the mantissas from here on belong to the next power of two. */
#define LOG2_SPLIT INT64_C(0x3fe6a09e667f3bcd)

/* 2/((2k + 1) ln 2) for k = 0 … 9. */
#define LOG2_C0 2.8853900817779268
#define LOG2_C1 0.9617966939259756
#define LOG2_C2 0.5770780163555853
#define LOG2_C3 0.4121985831111324
#define LOG2_C4 0.3205988979753252
#define LOG2_C5 0.2623081892525388
#define LOG2_C6 0.22195308321368667
#define LOG2_C7 0.19235933878519512
#define LOG2_C8 0.16972882833987804
#define LOG2_C9 0.15186263588304877

/* log2(x) of a positive, normal, finite x. */
FRACTAL_TARGET static inline double FRACTAL_NAME(log2)(double x) {
    int64_t bits;
    double m;
    memcpy(&bits, &x, sizeof bits);
    const int64_t e = (bits - LOG2_SPLIT) >> 52;
    bits -= e * (INT64_C(1) << 52);
    memcpy(&m, &bits, sizeof m);
    const double s = (m - 1.0) / (m + 1.0);
    const double s2 = s * s;
    const double s4 = s2 * s2;
    const double s8 = s4 * s4;
    const double p0 = __builtin_fma(LOG2_C1, s2, LOG2_C0);
    const double p1 = __builtin_fma(LOG2_C3, s2, LOG2_C2);
    const double p2 = __builtin_fma(LOG2_C5, s2, LOG2_C4);
    const double p3 = __builtin_fma(LOG2_C7, s2, LOG2_C6);
    const double p4 = __builtin_fma(LOG2_C9, s2, LOG2_C8);
    const double q0 = __builtin_fma(p1, s4, p0);
    const double q1 = __builtin_fma(p3, s4, p2);
    const double r = __builtin_fma(q1, s8, q0);
    return __builtin_fma(s, __builtin_fma(p4, s8 * s8, r), (double)e);
}
