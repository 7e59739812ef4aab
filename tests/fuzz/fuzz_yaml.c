/* YAML of any kind: no crash, and the short cut for plain lines agrees with libyaml. */
#include <stdint.h>
#include <stdlib.h>
#include "base/yaml_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_locate(struct str text) {
    unsigned line, col;
    yaml_locate(text, 1, "/a/0/b", true, &line, &col);
    yaml_locate(text, 1, "/title", false, &line, &col);
}

/* A carriage return keeps the short cut away. */
static void compare(struct str text, const json_t *value) {
    struct diag_list diags;
    struct buf slow;
    diag_init(&diags);
    buf_init(&slow, 0);
    buf_cstr(&slow, "#\r\n");
    buf_str(&slow, text);
    json_t *again = yaml_parse(buf_view(&slow), "slow", 1, &diags);
    if (!again || !json_equal(value, again)) abort();
    json_decref(again);
    buf_dispose(&slow);
    diag_dispose(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    struct diag_list diags;
    json_setup();
    diag_init(&diags);
    json_t *value = yaml_parse(text, "fuzz", 1, &diags);
    if (!value && !diags.errors) abort();
    if (value && size < 60000) compare(text, value);
    try_locate(text);
    json_decref(value);
    diag_dispose(&diags);
    return 0;
}
