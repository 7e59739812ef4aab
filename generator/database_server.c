/* The throw-away Postgres of a workspace: no network, no password, no fsync. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "generator/database.h"
#include "generator/database_process.h"

#define SUPERUSER "postgres"
#define FOLDER ".tenantry/postgres"
/* Written when the cluster is complete: an interrupted initdb leaves none. */
#define READY ".tenantry/postgres-ready"
#define LOG_TAIL 12 /* lines of the server's log that are shown when it fails */

/* ---- where it is ---- */

/* Whoever owns the cluster, else the workspace, else who there is for the purpose. */
static bool choose_user(struct server *s) {
    struct stat st;
    s->uid = geteuid();
    s->gid = getegid();
    if (s->uid) return true;
    struct passwd *p = NULL;
    if (!stat(s->dir, &st) && st.st_uid) p = getpwuid(st.st_uid);
    if (!p && !stat(s->workspace, &st) && st.st_uid) p = getpwuid(st.st_uid);
    if (!p) p = getpwnam("postgres");
    if (!p) p = getpwnam("nobody");
    if (!p)
        return database_trouble(s->diags, s->shown,
            "Postgres does not run as root, and there is neither a user postgres nor "
            "nobody");
    s->uid = p->pw_uid;
    s->gid = p->pw_gid;
    return true;
}

bool server_find(struct server *s, const char *workspace, struct diag_list *diags) {
    char digest[SHA256_HEX_SIZE];
    *s = (struct server){.diags = diags};
    arena_init(&s->arena);
    char *real = realpath(workspace, NULL);
    if (!real)
        return database_trouble(
            diags, workspace, "cannot be opened: %s", file_error(errno));
    s->workspace = arena_strdup(&s->arena, real);
    free(real);
    s->dir = arena_printf(&s->arena, "%s/" FOLDER, s->workspace);
    /* Where others may not look, a link leads to another place. */
    real = realpath(s->dir, NULL);
    if (real) s->dir = arena_strdup(&s->arena, real);
    free(real);
    s->shown = FOLDER;
    sha256_hex(str_from(s->workspace), digest);
    s->socket = arena_printf(&s->arena, "/tmp/tenantry-%.12s", digest);
    s->url = server_url(s, &s->arena, SUPERUSER);
    return choose_user(s);
}

void server_dispose(struct server *s) {
    arena_dispose(&s->arena);
}

const char *server_url(const struct server *s, struct arena *a, const char *user) {
    return arena_printf(a, "postgresql:///tenantry?host=%s&port=5432&user=%s",
        pg_url_escape(a, s->socket), pg_url_escape(a, user));
}

static const char *inside(const struct server *s, struct arena *a, const char *name) {
    return arena_printf(a, "%s/%s", s->workspace, name);
}

bool server_exists(const struct server *s) {
    struct arena a;
    struct stat st;
    arena_init(&a);
    bool found = !stat(inside(s, &a, READY), &st);
    arena_dispose(&a);
    return found;
}

/* The database that is always there. */
static bool open_maintenance(const struct server *s, struct pg *p) {
    struct arena a;
    arena_init(&a);
    bool ok =
        pg_open(p, arena_printf(&a, "postgresql:///postgres?host=%s&port=5432&user=%s",
                       pg_url_escape(&a, s->socket), SUPERUSER));
    arena_dispose(&a);
    return ok;
}

static bool is_own(const struct server *s, const char *path) {
    struct stat st;
    return !lstat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == s->uid &&
           !(st.st_mode & 077);
}

bool server_running(const struct server *s) {
    struct pg p;
    /* Somebody else's server might listen in a folder of that name. */
    if (!is_own(s, s->socket)) return false;
    bool ok = open_maintenance(s, &p);
    pg_close(&p);
    return ok;
}

/* ---- folders ---- */

/* A folder that belongs to the server's user and nobody else.  It may be in /tmp, where
 * anybody could have made one of the same name. */
static bool own_folder(struct server *s, const char *path) {
    if (!mkdir(path, 0700) && chown(path, s->uid, s->gid))
        return database_trouble(s->diags, path, "%s", file_error(errno));
    if (access(path, F_OK))
        return database_trouble(
            s->diags, path, "cannot be made: %s", file_error(errno));
    if (is_own(s, path)) return true;
    return database_trouble(s->diags, path,
        "belongs to somebody else, or others may write to it; remove it, or call this "
        "as the user it belongs to");
}

/* Where the server's user cannot get at the workspace, its files are kept elsewhere. */
static bool place_cluster(struct server *s) {
    struct arena *a = &s->arena;
    const char *link = inside(s, a, FOLDER);
    if (process_reaches(s->workspace, s->uid, s->gid)) return own_folder(s, s->dir);
    const char *other = arena_printf(a, "/var/tmp/%s", strrchr(s->socket, '/') + 1);
    if (!own_folder(s, other)) return false;
    if (strcmp(s->dir, other) && symlink(other, link))
        return database_trouble(s->diags, s->shown, "%s", file_error(errno));
    s->dir = other;
    return true;
}

static bool make_state_folder(struct server *s) {
    struct arena *a = &s->arena;
    int err = file_make_dirs(AT_FDCWD, inside(s, a, ".tenantry"));
    if (!err)
        err = file_write_replace(
            AT_FDCWD, inside(s, a, ".tenantry/.gitignore"), STR("*\n"));
    return !err || database_trouble(
                       s->diags, ".tenantry", "cannot be made: %s", file_error(err));
}

/* Two that start at once: the second waits, and finds the server running. */
static int take_lock(struct server *s) {
    int fd = open(inside(s, &s->arena, ".tenantry/postgres-lock"),
        O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd >= 0 && !flock(fd, LOCK_EX)) return fd;
    database_trouble(
        s->diags, ".tenantry/postgres-lock", "cannot be locked: %s", file_error(errno));
    if (fd >= 0) close(fd);
    return -1;
}

/* ---- its programs ---- */

static bool run(struct server *s, const char *program, const char *const *args) {
    struct arena *a = &s->arena;
    const char *path = process_find_postgres(a, program);
    if (!path)
        return database_trouble(s->diags, NULL,
            "%s is not installed: install the package postgresql (apt-get install "
            "postgresql)",
            program);
    struct buf said;
    buf_init(&said, 1u << 20);
    bool ok = process_run(path, args, s->uid, s->gid, &said);
    if (!ok)
        database_trouble(s->diags, s->shown, "%s failed: %s", program,
            process_last_lines(a, buf_view(&said), LOG_TAIL));
    buf_dispose(&said);
    return ok;
}

static bool make_cluster(struct server *s) {
    const char *const args[] = {"initdb", "-D", s->dir, "-U", SUPERUSER, "--auth=trust",
        "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions", NULL};
    struct arena *a = &s->arena;
    if (server_exists(s)) return true;
    int err = file_remove_tree(AT_FDCWD, s->dir);
    if (err) return database_trouble(s->diags, s->shown, "%s", file_error(err));
    if (!own_folder(s, s->dir) || !run(s, "initdb", args)) return false;
    err = file_write_replace(AT_FDCWD, inside(s, a, READY), STR(""));
    return !err || database_trouble(s->diags, s->shown, "%s", file_error(err));
}

/* Whether the process that wrote its number into the folder is still there: a server
 * that was killed leaves the number behind. */
static bool is_alive(struct server *s) {
    struct arena *a = &s->arena;
    struct buf text;
    bool alive = false;
    buf_init(&text, 0);
    int fd = open(arena_printf(a, "%s/postmaster.pid", s->dir), O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && !file_read_fd(fd, 0, 4096, &text) && text.len) {
        long pid = strtol(text.ptr, NULL, 10);
        int stat = open(arena_printf(a, "/proc/%ld/stat", pid), O_RDONLY | O_CLOEXEC);
        buf_reset(&text);
        if (stat >= 0 && !file_read_fd(stat, 0, 4096, &text))
            alive = strstr(text.ptr, " (postgres) ") && !strstr(text.ptr, ") Z ");
        if (stat >= 0) close(stat);
    }
    if (fd >= 0) close(fd);
    buf_dispose(&text);
    return alive;
}

/* One that was killed and whose parent never asked looks alive to the next. */
static void forget_killed(struct server *s) {
    struct arena *a = &s->arena;
    if (is_alive(s)) return;
    unlink(arena_printf(a, "%s/postmaster.pid", s->dir));
    unlink(arena_printf(a, "%s/.s.PGSQL.5432.lock", s->socket));
}

/* One that is ending, or coming up after a crash, is neither running nor gone.  True:
 * it runs. */
static bool await_other(struct server *s) {
    for (double end = clock_seconds() + 60; is_alive(s) && clock_seconds() < end;) {
        if (server_running(s)) return true;
        nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
    }
    return false;
}

static bool launch(struct server *s) {
    struct arena *a = &s->arena;
    const char *log = arena_printf(a, "%s/log", s->dir);
    if (await_other(s)) return true;
    forget_killed(s);
    const char *options = arena_printf(a,
        "-c port=5432 -c listen_addresses= -c unix_socket_directories=%s "
        "-c unix_socket_permissions=0700 -c fsync=off "
        "-c synchronous_commit=off -c full_page_writes=off -c jit=off "
        "-c timezone=UTC -c log_timezone=UTC",
        s->socket);
    const char *const args[] = {"pg_ctl", "-D", s->dir, "-l", log, "-o", options, "-w",
        "-t", "60", "-s", "start", NULL};
    if (run(s, "pg_ctl", args)) return true;
    struct buf text;
    buf_init(&text, 0);
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && !file_read_fd(fd, 0, (size_t)64 << 20, &text))
        diag_note(s->diags, DIAG_FILE(FOLDER "/log"), "%s",
            process_last_lines(a, buf_view(&text), LOG_TAIL));
    if (fd >= 0) close(fd);
    buf_dispose(&text);
    diag_note(s->diags, DIAG_NOWHERE,
        "`tenantry db stop --discard` removes it with all it holds");
    return false;
}

static bool make_database(struct server *s) {
    struct pg p;
    bool ok = open_maintenance(s, &p) &&
              (pg_run(&p, "create database tenantry") || pg_is(&p, "42P04")) &&
              pg_run(&p, "alter database tenantry set search_path = tenantry, public");
    if (!ok) database_trouble(s->diags, s->shown, "%s", p.error.ptr);
    pg_close(&p);
    return ok;
}

/* ---- start, stop ---- */

static bool start_locked(struct server *s, bool *started) {
    *started = !(server_exists(s) && server_running(s));
    bool ok = !*started || (place_cluster(s) && own_folder(s, s->socket) &&
                               make_cluster(s) && launch(s));
    return ok && make_database(s);
}

bool server_start(struct server *s, bool *started) {
    *started = false;
    if (!make_state_folder(s)) return false;
    int lock = take_lock(s);
    if (lock < 0) return false;
    bool ok = start_locked(s, started);
    close(lock);
    return ok;
}

static bool discard_files(struct server *s) {
    struct arena *a = &s->arena;
    const char *const paths[] = {
        inside(s, a, READY), inside(s, a, FOLDER), s->dir, s->socket};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int err = file_remove_tree(AT_FDCWD, paths[i]);
        if (err)
            return database_trouble(
                s->diags, paths[i], "cannot be removed: %s", file_error(err));
    }
    return true;
}

bool server_stop(struct server *s, bool discard, bool *stopped) {
    const char *const args[] = {
        "pg_ctl", "-D", s->dir, "-m", "fast", "-w", "-t", "60", "-s", "stop", NULL};
    *stopped = false;
    if (access(inside(s, &s->arena, ".tenantry"), F_OK)) return true;
    int lock = take_lock(s);
    if (lock < 0) return false;
    *stopped = is_alive(s);
    bool ok = !*stopped || run(s, "pg_ctl", args);
    if (ok && discard) ok = discard_files(s);
    close(lock);
    return ok;
}
