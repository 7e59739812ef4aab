#include "generator/preview.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "generator/preview_page.h"

static bool can_be_read(const char *dir, struct diag_list *diags) {
    struct root r;
    int err = root_open(&r, AT_FDCWD, dir, dir);
    if (!err && r.fd >= 0) {
        root_close(&r);
        return true;
    }
    diag_add(diags, DIAG_ERROR, DIAG_FILE(dir), "cannot open the workspace: %s",
        file_error(err ? err : ENOENT));
    return false;
}

bool preview_open(struct preview *p, struct loop *l, const struct options *o,
    bool fixed_clock, struct diag_list *diags) {
    *p = (struct preview){.loop = l, .options = *o, .fixed_clock = fixed_clock};
    p->bar = true;
    if (!can_be_read(o->dir, diags)) return false;
    p->page = page_new(diags);
    world_open(p);
    watchers_open(p);
    p->open = true;
    if (!diags->errors && change_watch(p)) return true;
    if (!diags->errors)
        diag_add(diags, DIAG_ERROR, DIAG_NOWHERE,
            "cannot watch for changes: %s; fs.inotify.max_user_instances may be too "
            "low",
            strerror(errno));
    preview_close(p);
    return false;
}

void preview_close(struct preview *p) {
    if (!p->open) return;
    p->open = false;
    change_dispose(p);
    watchers_dispose(p);
    world_close(p);
    page_free(p->page);
}

struct preview_tenant *preview_find(struct preview *p, struct str id) {
    return map_get(&p->by_id, id);
}
