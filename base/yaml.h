/* Front matter's YAML, read through libyaml's events into a jansson value.
 *
 * One mapping at the top. Limits: 64 KiB, depth 32; anchors, aliases, tags, duplicate
 * keys and several documents are errors. Plain scalars: true/false/null (and ~, empty)
 * become JSON's; canonical integers become integers; everything else (1.10, 2026-01-02,
 * yes) stays the string it was written as. A fast path handles plain "key: value"
 * lines. */
#ifndef BASE_YAML_H
#define BASE_YAML_H
#include "base/json.h"

/* `first_line` is the line of the file on which `text` begins.  NULL: errors were
 * reported. */
json_t *yaml_parse(
    struct str text, const char *file, unsigned first_line, struct diag_list *diags);
/* Position in the file of the value (or key) at a JSON pointer. */
bool yaml_locate(struct str text, unsigned first_line, const char *pointer, bool key,
    unsigned *line, unsigned *col);
#endif
