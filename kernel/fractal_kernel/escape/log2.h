/* The base-two logarithm of Grid pictures: ours, since glibc picks its own by processor, with different last bits.
 *
 * Included once for each instruction set, by grid_loop.h, which has defined the vectors of FRACTAL_NAME. The twin in
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

/* The bits of 1.5 · 2^52: added to a small whole number, they make the double that is larger by that. */
#define LOG2_SHIFT INT64_C(0x4338000000000000)

/* a·x + b of constants a and b. */
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(line)(double a, FRACTAL_NAME(reals) x, double b) {
    return FRACTAL_NAME(fma)(FRACTAL_NAME(all)(a), x, FRACTAL_NAME(all)(b));
}

/* The doubles of whole numbers below 2^51. */
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(real)(FRACTAL_NAME(ints) a) {
    return (FRACTAL_NAME(reals))(a + FRACTAL_NAME(all_ints)(LOG2_SHIFT)) - FRACTAL_NAME(all)(6755399441055744.0);
}

/* log2(x) of positive, normal, finite x. */
FRACTAL_INLINE FRACTAL_NAME(reals) FRACTAL_NAME(log2)(FRACTAL_NAME(reals) x) {
    const FRACTAL_NAME(ints) bits = (FRACTAL_NAME(ints))x;
    const FRACTAL_NAME(ints) e = (bits - FRACTAL_NAME(all_ints)(LOG2_SPLIT)) >> 52;
    const FRACTAL_NAME(reals) m = (FRACTAL_NAME(reals))(bits - (e << 52));
    const FRACTAL_NAME(reals) one = FRACTAL_NAME(all)(1.0);
    const FRACTAL_NAME(reals) s = (m - one) / (m + one);
    const FRACTAL_NAME(reals) s2 = s * s;
    const FRACTAL_NAME(reals) s4 = s2 * s2;
    const FRACTAL_NAME(reals) s8 = s4 * s4;
    const FRACTAL_NAME(reals) p0 = FRACTAL_NAME(line)(LOG2_C1, s2, LOG2_C0);
    const FRACTAL_NAME(reals) p1 = FRACTAL_NAME(line)(LOG2_C3, s2, LOG2_C2);
    const FRACTAL_NAME(reals) p2 = FRACTAL_NAME(line)(LOG2_C5, s2, LOG2_C4);
    const FRACTAL_NAME(reals) p3 = FRACTAL_NAME(line)(LOG2_C7, s2, LOG2_C6);
    const FRACTAL_NAME(reals) p4 = FRACTAL_NAME(line)(LOG2_C9, s2, LOG2_C8);
    const FRACTAL_NAME(reals) q0 = FRACTAL_NAME(fma)(p1, s4, p0);
    const FRACTAL_NAME(reals) q1 = FRACTAL_NAME(fma)(p3, s4, p2);
    const FRACTAL_NAME(reals) r = FRACTAL_NAME(fma)(q1, s8, q0);
    return FRACTAL_NAME(fma)(s, FRACTAL_NAME(fma)(p4, s8 * s8, r), FRACTAL_NAME(real)(e));
}
