/* Brand lint, for `tenantry check`: valid, but would disappoint. */
#ifndef GENERATOR_LINT_H
#define GENERATOR_LINT_H
#include "base/diag.h"
#include "generator/image.h"
#include "model/tenant.h"

/* Warnings: WCAG contrast of primaryColor with primaryForeground (4.5) and with white
 * and near-black backgrounds as text or UI (3.0), each with the nearest passing
 * lightness; title over 60 and description over 160 or under 50 characters; ogImage
 * missing, relative is fine, not PNG/JPEG, not 1200x630 (minimum 600x315), over 5 MB;
 * favicon and logo missing; emoji missing. `image` looks a config image path up
 * ("/tenants/acme/images/og.png", "images/og.png"): false when nobody has it. */
struct lint_image {
    struct image_info info;
    size_t size; /* bytes */
};
void lint_brand(const struct tenant *t,
    bool (*image)(void *ctx, const char *path, struct lint_image *out), void *ctx,
    struct diag_list *diags);
#endif
