/* Width and height from the first bytes of an image; no decoding. */
#ifndef GENERATOR_IMAGE_H
#define GENERATOR_IMAGE_H
#include <stdbool.h>
#include "base/str.h"

struct image_info {
    const char *type; /* "image/png", "image/jpeg", "image/gif", "image/webp",
                         "image/svg+xml", "image/x-icon", "image/avif" */
    unsigned width,
        height; /* pixels; 0 when unknown (an SVG without width or viewBox) */
};
bool image_info(
    struct str head, struct image_info *out); /* false: no image known here */
#endif
