/*
 * What the light at both ends of a cable says about where it is ill: a pure
 * function over a few numbers of each lane, for the links page and for who sends
 * somebody with a fibre cleaner.
 *
 * The rules are those of CorrOpt (Zhuo et al., SIGCOMM 2017: its repair
 * recommendations): little light at both receivers = the fibre or its
 * connectors; little light sent = that transmitter; good light and errors =
 * reseat, then exchange.  Added to them: an error rate that is high only between
 * a card and its module is no matter of light; one lane of several that is dark
 * is that lane's laser or a dirty core of the connector; a module that is too hot
 * comes before all of these.
 */
#ifndef MW_LIVE_OPTIC_ADVICE_H
#define MW_LIVE_OPTIC_ADVICE_H

#include "base/base.h"

#define OPTIC_ADVICE_LANES 16

/* Error rates before correction from which a lane counts as bad.  RS(544,514) is specified to
 * correct 2.4e-4 (400GBASE-R, IEEE 802.3bs); we call a lane bad two decades earlier, because
 * a rise to there has a cause (chosen). */
#define OPTIC_BER_BAD_LOG10 (-5.6)

/* One end of a cable.  What is not known is NAN; error rates are decimal logarithms. */
struct optic_end {
    bool known;               /* anything of this end is */
    uint32_t lanes;           /* 1 .. OPTIC_ADVICE_LANES */
    double tx_dbm[OPTIC_ADVICE_LANES], rx_dbm[OPTIC_ADVICE_LANES];
    double ber_log10[OPTIC_ADVICE_LANES], host_ber_log10[OPTIC_ADVICE_LANES];
    double tx_low_dbm, rx_low_dbm; /* under these the module itself warns */
    double temp_c, temp_high_c;
    bool errors;              /* its port counts errors, or the link went down and up */
};

enum optic_what {
    OPTIC_UNKNOWN,    /* nothing is known of the light, and there are errors */
    OPTIC_WELL,
    OPTIC_HOT,        /* a module is over its own limit */
    OPTIC_LASER,      /* one end sends too little */
    OPTIC_FIBRE,      /* good light goes in, little comes out, in both directions */
    OPTIC_ONE_WAY,    /* … in one direction only: that strand, or a receiver */
    OPTIC_HOST,       /* errors between a card and its module: reseat the module */
    OPTIC_RESEAT,     /* good light and errors */
    OPTIC_DARK,       /* an end sends nothing at all: switched off, or its host is */
    OPTIC_WHATS
};

struct optic_advice {
    uint8_t what;     /* enum optic_what */
    uint8_t end;      /* which: 0, 1; 2 = both, or neither */
    uint16_t lanes;   /* bit: the lanes that show it */
};

/* end[0] and end[1] are the cable's.  The first of these that is true: dark, hot, laser, fibre, one
 * way, host, reseat, well. */
struct optic_advice optic_advise(const struct optic_end end[2]);

/* "the laser of module A is weak", with the ends' names; size >= 160. */
void optic_advice_words(const struct optic_advice *a, const char *name_a, const char *name_b,
                        char *to, size_t size);
const char *optic_advice_action(uint32_t what); /* "exchange the module"; "" = nothing to do */

#endif
