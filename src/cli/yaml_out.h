/* A JSON document written as YAML, by libyaml's emitter. */
#ifndef MW_CLI_YAML_OUT_H
#define MW_CLI_YAML_OUT_H

#include <stdio.h>

#include <jansson.h>

#include "base/error.h"

#define YAML_OUT_DEPTH_MAX 64u /* of lists and objects in each other */

/* One document, ended by a line's end.  MW_ELIMIT: nested too deeply; MW_EIO; MW_ENOMEM. */
MW_MUST_USE int yaml_out(FILE *f, const json_t *v, struct mw_error *err);

#endif
