/* tests/sim/rng.h
 *
 * The only source of chance in the simulation: splitmix64 (Steele, Lea, Flood 2014), so that a seed
 * is a whole run on every machine.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
    uint64_t z = (rng->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/** low .. high, both included. */
static inline int64_t rng_range(struct rng *rng, int64_t low, int64_t high)
{
    return low + (int64_t)(rng_next(rng) % (uint64_t)(high - low + 1));
}

/** True in `per_mille` of a thousand. */
static inline bool rng_chance(struct rng *rng, uint32_t per_mille)
{
    return rng_next(rng) % 1000 < per_mille;
}
