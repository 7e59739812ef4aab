#include "base/uuid.h"

static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

char *uuid_read(struct arena *a, struct str text) {
    if (text.len != sizeof shape - 1) return NULL;
    char *out = arena_str(a, text);
    for (size_t i = 0; i < text.len; i++) {
        if (out[i] >= 'A' && out[i] <= 'F') out[i] = (char)(out[i] - 'A' + 'a');
        char c = out[i];
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (shape[i] == 'x' ? !digit : c != '-') return NULL;
    }
    return out;
}
