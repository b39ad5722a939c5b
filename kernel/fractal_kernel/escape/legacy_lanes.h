/* The Legacy loop over LEGACY_LANES orbits at once; included once for each instruction set.
 *
 * Needs LEGACY_NAME(x), which names this instance, LEGACY_TARGET, its function attribute, and LEGACY_VECTOR, the bytes
 * of its registers. Each lane does what a scalar loop would do, in the same order, without FMA: the instances agree to
 * the bit, and no lane sees another. */

typedef double LEGACY_NAME(reals) __attribute__((vector_size(LEGACY_VECTOR), may_alias));
typedef int64_t LEGACY_NAME(masks) __attribute__((vector_size(LEGACY_VECTOR), may_alias));

/* Advances all lanes by up to `blocks` blocks, and ends early after a block in which an orbit escaped or came back to
 * its mark. Returns the blocks done; s->inside and s->back tell what happened in the last one.
 *
 * |z|² is compared at every step: a test of each block's last step alone would be wrong for Julia with |C| > 2, whose
 * orbits can leave the circle and come back. `< 4` is false for NaN, which thus escapes. */
LEGACY_TARGET static int64_t LEGACY_NAME(advance)(legacy_lanes *s, int64_t blocks) {
    typedef LEGACY_NAME(reals) reals;
    typedef LEGACY_NAME(masks) masks;
    enum { PER_VECTOR = sizeof(reals) / sizeof(double), VECTORS = LEGACY_LANES / PER_VECTOR };
    const reals two = (reals){0} + 2.0, four = (reals){0} + 4.0;
    int64_t done = 0;
    int event = 0;
    while (done < blocks && !event) {
        masks all_inside = ~(masks){0}, any_back = (masks){0};
        for (int v = 0; v < VECTORS; v++) {
            const reals cx = ((const reals *)s->cx)[v], cy = ((const reals *)s->cy)[v];
            reals zx = ((const reals *)s->zx)[v], zy = ((const reals *)s->zy)[v];
            masks inside = ~(masks){0};
            ((reals *)s->from_zx)[v] = zx;
            ((reals *)s->from_zy)[v] = zy;
            for (int step = 0; step < LEGACY_STEPS; step++) {
                const reals zx2 = zx * zx, zy2 = zy * zy;
                inside &= zx2 + zy2 < four;
                zy = two * zx * zy + cy;
                zx = zx2 - zy2 + cx;
            }
            ((reals *)s->zx)[v] = zx;
            ((reals *)s->zy)[v] = zy;
            const masks back = (zx == ((const reals *)s->mark_zx)[v]) & (zy == ((const reals *)s->mark_zy)[v]);
            ((masks *)s->inside)[v] = inside;
            ((masks *)s->back)[v] = back;
            all_inside &= inside;
            any_back |= back;
        }
        for (int i = 0; i < PER_VECTOR; i++) event |= (any_back[i] | ~all_inside[i]) != 0;
        done++;
    }
    return done;
}
