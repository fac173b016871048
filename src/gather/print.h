/* What doors have learned, as lines for a person: --once. */
#ifndef MW_GATHER_PRINT_H
#define MW_GATHER_PRINT_H

#include <stdio.h>

#include "gather/out.h"

struct print; /* opaque: which rows of which machine are what */
struct print *print_create(struct door_out *out, FILE *to); /* NULL: out of memory */
void print_destroy(struct print *p); /* NULL is fine */
struct door_out_to print_to(struct print *p);

#endif
