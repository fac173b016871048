/*
 * One turn of the processors' burn-in: the same input gives the same number, on
 * every core and every time.  In a header, so that the test which measures what
 * it finds compiles the same text with faults injected (TOUCH).
 */
#ifndef MW_AGENT_CHECK_CPU_BURN_H
#define MW_AGENT_CHECK_CPU_BURN_H

#include "agent/check_host_kernels.h"

#define CPU_BURN_WORDS 8192u
#define CPU_BURN_ROUNDS 64u
#define CPU_BURN_INPUTS 4u

static inline mw_u64 cpu_burn_turn(uint32_t seed)
{
    mw_u64 fold = 0;
    for (mw_u64 i = 0; i < CPU_BURN_WORDS; i++) {
        uint32_t word = TOUCH(mw_chain(i, seed, CPU_BURN_ROUNDS));
        fold += (mw_u64)mw_mix(word ^ mw_mix((uint32_t)i)) << 32 | mw_mix(word + (uint32_t)i);
    }
    return fold;
}

#endif
