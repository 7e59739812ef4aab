/* Which files below some folders have changed, by inotify. */
#ifndef BASE_WATCH_H
#define BASE_WATCH_H
#include <stdbool.h>

struct watch;
struct watch *watch_new(void); /* NULL: see errno */
void watch_free(struct watch *w);
int watch_fd(const struct watch *w); /* can be read when something has happened */
/* Watches the folder `path`: with `deep` all below it too, else only what lies directly
 * in it.  It need not exist yet if the folder that holds it is watched.  Changes are
 * named below `name` ("tenants/acme/config.json"; "" for none).  0 or errno; ENOSPC:
 * the system watches no more folders, and changes in the rest go unseen. */
int watch_add(struct watch *w, const char *path, const char *name, bool deep);
/* Takes in what has happened so far, calling `changed` for each file or folder that was
 * written, came, went or got other permissions (maybe more than once).  A folder that
 * came stands for all in it.  Path NULL: too much happened, anything may have changed.
 * Returns 0, or errno as watch_add. */
int watch_read(
    struct watch *w, void (*changed)(void *ctx, const char *path), void *ctx);
#endif
