/* Theme assets: fingerprinted names, and style sheets whose references follow them. */
#ifndef GENERATOR_ASSETS_H
#define GENERATOR_ASSETS_H
#include "generator/theme.h"

#define FINGERPRINT_LEN 8 /* hex digits of the SHA-256 */

/* "img/logo.png" + digest -> "img/logo.1a2b3c4d.png" */
char *fingerprint_path(struct arena *a, struct str path, const char *sha256_hex);
/* Puts `value` at a path of names in a tree of objects: "main.css" -> {main: {css:
 * value}}.  The dot before the suffix and every '/' separate.  Takes over the
 * reference.  False: the path runs through a value that is no object. */
bool names_put(json_t *tree, struct str path, json_t *value);
/* Fills theme->assets and theme->asset_urls from all layers. */
void assets_load(struct theme *t, struct diag_list *diags);
#endif
