#include "generator/preview_site.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

#define FILE_MAX ((size_t)1 << 30)
enum { RECORD_TREE = 1, RECORD_FILE };

/* ---- in the worker ---- */

void memory_sink_init(struct memory_sink *m) {
    *m = (struct memory_sink){0};
    buf_init(&m->bytes, 0);
    buf_init(&m->index, 0);
}

static void add_number(struct buf *b, uint64_t n) {
    buf_append(b, &n, sizeof n);
}

static void add_text(struct buf *b, const char *text) {
    struct str s = str_from(text);
    add_number(b, s.len);
    buf_str(b, s);
}

static void *sink_begin(void *ctx, const char *host) {
    struct memory_sink *m = ctx;
    add_number(&m->index, RECORD_TREE);
    add_text(&m->index, host);
    return m;
}

static void add_file(struct memory_sink *m, const struct output *o, size_t from) {
    const struct item *it = o->content;
    add_number(&m->index, RECORD_FILE);
    add_text(&m->index, o->path);
    add_number(&m->index, from);
    add_number(&m->index, m->bytes.len - from);
    add_text(&m->index, o->kind == OUTPUT_TEMPLATE ? o->file->file : "");
    add_text(&m->index, it ? it->file : "");
    add_number(&m->index, it && it->draft);
    add_number(&m->index, it && it->future);
}

static int sink_put(void *tree, const struct output *o, struct str bytes) {
    struct memory_sink *m = tree;
    size_t from = m->bytes.len;
    buf_str(&m->bytes, bytes);
    add_file(m, o, from);
    return 0;
}

static int sink_put_fd(void *tree, const struct output *o, int fd, size_t size) {
    struct memory_sink *m = tree;
    size_t from = m->bytes.len;
    int err = file_read_fd(fd, size, FILE_MAX, &m->bytes);
    if (!err) add_file(m, o, from);
    return err;
}

static int sink_finish(void *tree) {
    (void)tree;
    return 0;
}

static int sink_commit(void *tree, bool durable) {
    (void)tree;
    (void)durable;
    return 0;
}

static void sink_report(const void *tree, struct diag_list *diags) {
    (void)tree;
    diag_add(diags, DIAG_ERROR, DIAG_NOWHERE, "a file could not be read");
}

static const struct tree_stats *sink_stats(const void *tree) {
    const struct memory_sink *m = tree;
    return &m->stats;
}

static void sink_end(void *tree) {
    (void)tree;
}

struct sink memory_sink(struct memory_sink *m) {
    return (struct sink){.ctx = m,
        .begin = sink_begin,
        .put = sink_put,
        .put_fd = sink_put_fd,
        .finish = sink_finish,
        .commit = sink_commit,
        .report = sink_report,
        .stats = sink_stats,
        .end = sink_end};
}

int memory_sink_flush(struct memory_sink *m, int fd) {
    for (size_t done = 0; done < m->bytes.len;) {
        ssize_t n = pwrite(fd, m->bytes.ptr + done, m->bytes.len - done, (off_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? errno : EIO;
        done += (size_t)n;
    }
    return 0;
}

/* ---- in the server ---- */

struct index {
    struct str rest;
    bool bad;
};

static uint64_t take_number(struct index *x) {
    uint64_t n = 0;
    if (x->rest.len < sizeof n) {
        x->bad = true;
        return 0;
    }
    memcpy(&n, x->rest.ptr, sizeof n);
    x->rest = str_slice(x->rest, sizeof n, x->rest.len);
    return n;
}

static const char *take_text(struct index *x, struct arena *a) {
    uint64_t n = take_number(x);
    if (n > x->rest.len) x->bad = true;
    if (x->bad) return "";
    const char *text = arena_str(a, str_slice(x->rest, 0, n));
    x->rest = str_slice(x->rest, n, x->rest.len);
    return text;
}

static void take_file(struct preview_site *s, struct index *x, struct preview_file *f) {
    f->path = take_text(x, &s->arena);
    uint64_t from = take_number(x), n = take_number(x);
    if (from > s->size || n > s->size - from) x->bad = true;
    f->template = take_text(x, &s->arena);
    f->content = take_text(x, &s->arena);
    f->draft = take_number(x);
    f->future = take_number(x);
    if (!x->bad) f->bytes = (struct str){(const char *)s->map + from, n};
}

static void take_records(struct preview_site *s, struct index *x) {
    size_t trees = 0, files = 0;
    while (x->rest.len && !x->bad) {
        uint64_t kind = take_number(x);
        if (kind == RECORD_TREE) {
            s->trees = mem_grow(s->trees, &trees, s->n_trees + 1, sizeof *s->trees);
            s->trees[s->n_trees] = (struct preview_tree){0};
            s->trees[s->n_trees++].host = take_text(x, &s->arena);
        } else if (kind == RECORD_FILE && s->n_trees) {
            struct preview_file *f = arena_alloc(&s->arena, sizeof *f);
            take_file(s, x, f);
            map_set(&s->trees[s->n_trees - 1].files, str_from(f->path), f);
            files++;
        } else
            x->bad = true;
    }
    s->n_files = files;
}

static struct str file_text(const struct preview_tree *t, const char *path) {
    const struct preview_file *f = map_get(&t->files, str_from(path));
    return f ? f->bytes : STR("");
}

/* Rules that are wrong kept the site from being rendered. */
static void read_rules(struct preview_site *s) {
    struct diag_list ignored;
    diag_init(&ignored);
    for (size_t i = 0; i < s->n_trees; i++) {
        struct preview_tree *t = &s->trees[i];
        edge_headers_parse(&t->headers, file_text(t, "_headers"), "_headers", &ignored);
        edge_redirects_parse(
            &t->redirects, file_text(t, "_redirects"), "_redirects", &ignored);
    }
    diag_dispose(&ignored);
}

struct preview_site *preview_site_receive(struct str bytes, int fd) {
    struct index x = {.rest = bytes};
    struct preview_site *s = mem_calloc(1, sizeof *s);
    off_t size = lseek(fd, 0, SEEK_END);
    arena_init(&s->arena);
    s->references = 1;
    if (size > 0) {
        s->map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
        if (s->map == MAP_FAILED) {
            s->map = NULL;
            size = 0;
        }
    }
    s->size = size > 0 ? (size_t)size : 0;
    take_records(s, &x);
    read_rules(s);
    if (!x.bad && s->n_trees) return s;
    preview_site_release(s);
    return NULL;
}

void preview_site_release(void *site) {
    struct preview_site *s = site;
    if (!s || --s->references) return;
    for (size_t i = 0; i < s->n_trees; i++) {
        map_dispose(&s->trees[i].files);
        edge_headers_dispose(&s->trees[i].headers);
        edge_redirects_dispose(&s->trees[i].redirects);
    }
    mem_free(s->trees);
    if (s->map) munmap(s->map, s->size);
    arena_dispose(&s->arena);
    mem_free(s);
}

/* ---- what has changed ---- */

static bool starts_tag(struct str s, size_t at, const char *tag) {
    size_t n = strlen(tag);
    return s.len - at > n && !strncasecmp(s.ptr + at, tag, n) &&
           strchr(" \t\r\n>", s.ptr[at + n]);
}

static size_t find_end(struct str s, size_t at, const char *end) {
    size_t n = 0;
    struct str rest = str_slice(s, at, s.len);
    return str_find(rest, end, &n) ? at + n + strlen(end) : s.len;
}

/* Where what begins at `at` ends, if only the look depends on it; else `at`. */
static size_t skip_style(struct str s, size_t at) {
    if (starts_tag(s, at, "<style")) return find_end(s, at, "</style>");
    bool link = starts_tag(s, at, "<link"), meta = starts_tag(s, at, "<meta");
    if (!link && !meta) return at;
    size_t end = find_end(s, at, ">"), found;
    struct str tag = str_slice(s, at, end);
    bool style = link ? str_find(tag, "rel=\"stylesheet\"", &found)
                      : str_find(tag, "name=\"theme-color\"", &found);
    return style ? end : at;
}

/* Whether two pages are equal but for their style. */
static bool same_content(struct str a, struct str b) {
    size_t i = 0, k = 0;
    while (i < a.len && k < b.len) {
        if (a.ptr[i] == '<' && b.ptr[k] == '<') {
            size_t next_i = skip_style(a, i), next_k = skip_style(b, k);
            if (next_i != i && next_k != k) {
                i = next_i;
                k = next_k;
                continue;
            }
            if (next_i != i || next_k != k) return false;
        }
        if (a.ptr[i++] != b.ptr[k++]) return false;
    }
    return i == a.len && k == b.len;
}

/* Files that a page may show without having their fingerprint in it. */
static bool is_shown(const char *path) {
    static const char *const suffixes[] = {"js", "mjs", "png", "jpg", "jpeg", "gif",
        "webp", "avif", "svg", "woff2", "woff", "mp4", "webm"};
    struct str suffix = path_suffix(str_from(path));
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (str_is(suffix, suffixes[i])) return true;
    return false;
}

/* A picture or script that both sites have under one name, and that differs. */
static bool shown_differs(
    const struct preview_tree *was, const struct preview_tree *now) {
    for (size_t i = 0; i < now->files.size; i++) {
        if (!now->files.slots[i].key.ptr) continue;
        const struct preview_file *f = now->files.slots[i].value;
        if (!is_shown(f->path)) continue;
        const struct preview_file *old = map_get(&was->files, str_from(f->path));
        if (old && !str_equal(old->bytes, f->bytes)) return true;
    }
    return false;
}

static const struct preview_file *page_at(
    const struct preview_tree *t, const char *path) {
    const struct preview_file *f = path ? map_get(&t->files, str_from(path)) : NULL;
    return f ? f : map_get(&t->files, STR("404.html"));
}

enum page_change preview_site_compare(
    const struct preview_site *was, const struct preview_site *now, const char *path) {
    const struct preview_tree *a = &was->trees[0], *b = &now->trees[0];
    const struct preview_file *old = page_at(a, path), *page = page_at(b, path);
    if (!old || !page) return old == page ? PAGE_SAME : PAGE_RELOAD;
    if (strcmp(old->path, page->path) || old->draft != page->draft ||
        old->future != page->future)
        return PAGE_RELOAD;
    bool same = str_equal(old->bytes, page->bytes);
    if (!same && !same_content(old->bytes, page->bytes)) return PAGE_RELOAD;
    if (shown_differs(a, b)) return PAGE_RELOAD;
    return same ? PAGE_SAME : PAGE_STYLE;
}
