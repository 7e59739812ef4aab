/* Where a link or an image of a text leads, whatever it was marked up in. */
#ifndef MODEL_LINK_H
#define MODEL_LINK_H

struct link_target {
    const char *url;        /* what to write; NULL: leave as it is */
    unsigned width, height; /* of an image, pixels; 0: unknown */
};
#endif
