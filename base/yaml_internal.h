/* What yaml.c and yaml_fast.c share. */
#ifndef BASE_YAML_INTERNAL_H
#define BASE_YAML_INTERNAL_H
#include "base/yaml.h"

/* A plain scalar's value: null, true, false, an integer or the string itself. */
json_t *yaml_plain_value(struct str s);
/* Reads `key: value` lines, or returns NULL when there is anything else in the text (or
 * anything at all to complain about): then the full reader must look. */
json_t *yaml_fast(struct str text);
#endif
