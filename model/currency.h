/* The currencies of ISO 4217 in use. */
#ifndef MODEL_CURRENCY_H
#define MODEL_CURRENCY_H
#include "base/str.h"

struct currency {
    char code[4];
    unsigned char digits; /* of the minor unit: 2 for cents */
    const char *symbol;   /* written before the amount; NULL: the code and a blank */
};
/* By its three letters, in either case; NULL: no such currency. */
const struct currency *currency_find(struct str code);
#endif
