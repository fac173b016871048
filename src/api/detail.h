/* What a finding's detail means, in the words of the tables of signal/. */
#ifndef MW_API_DETAIL_H
#define MW_API_DETAIL_H

#include "control/words.h"

/* "Xid 79: GPU has fallen off the bus"; see words_detail_fn of control/words.h. */
void api_finding_detail(struct text *t, const char *class, uint32_t detail);

#endif
