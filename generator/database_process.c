#include "generator/database_process.h"

#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

static bool is_program(const char *path) {
    return !access(path, X_OK);
}

static const char *find_in_path(struct arena *a, const char *program) {
    struct str rest = str_from(getenv("PATH")), dir;
    while (str_cut(&rest, ':', &dir)) {
        const char *path = arena_printf(a, STR_FMT "/%s", STR_ARG(dir), program);
        if (dir.len && dir.ptr[0] == '/' && is_program(path)) return path;
    }
    return NULL;
}

const char *process_find_postgres(struct arena *a, const char *program) {
    const char *best = find_in_path(a, program);
    unsigned long newest = 0;
    glob_t g;
    if (best) return best;
    const char *pattern = arena_printf(a, "/usr/lib/postgresql/*/bin/%s", program);
    if (glob(pattern, 0, NULL, &g)) return NULL;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        unsigned long version =
            strtoul(g.gl_pathv[i] + strlen("/usr/lib/postgresql/"), NULL, 10);
        if (version <= newest || !is_program(g.gl_pathv[i])) continue;
        newest = version;
        best = arena_strdup(a, g.gl_pathv[i]);
    }
    globfree(&g);
    return best;
}

static bool become(unsigned uid, unsigned gid) {
    if (geteuid()) return true;
    return !setgroups(0, NULL) && !setgid(gid) && !setuid(uid);
}

static int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return -1;
    return status;
}

bool process_reaches(const char *folder, unsigned uid, unsigned gid) {
    pid_t pid = fork();
    if (!pid) _exit(!become(uid, gid) || access(folder, R_OK | X_OK));
    return pid > 0 && !wait_for(pid);
}

static _Noreturn void run_child(
    const char *path, const char *const *args, unsigned uid, unsigned gid, int out) {
    int in = open("/dev/null", O_RDONLY);
    size_t n = 0;
    while (args[n]) n++;
    /* Postgres looks for its other programs beside its own argv[0], else on PATH. */
    const char **argv = mem_calloc(n + 1, sizeof *argv);
    memcpy(argv, args, n * sizeof *argv);
    argv[0] = path;
    setenv("LC_ALL", "C", 1);
    /* Of another database, perhaps. */
    unsetenv("PGDATA");
    if (in >= 0 && dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0 &&
        become(uid, gid) && !chdir("/"))
        execv(path, (char *const *)argv);
    _exit(127);
}

bool process_run(const char *path, const char *const *args, unsigned uid, unsigned gid,
    struct buf *said) {
    /* No pipe: the server it starts may keep it open. */
    int out = memfd_create("said", MFD_CLOEXEC);
    pid_t pid = out < 0 ? -1 : fork();
    if (!pid) run_child(path, args, uid, gid, out);
    int status = pid > 0 ? wait_for(pid) : -1;
    if (out >= 0) {
        lseek(out, 0, SEEK_SET);
        file_read_fd(out, 0, (size_t)1 << 20, said);
        close(out);
    }
    return pid > 0 && !status;
}

const char *process_last_lines(struct arena *a, struct str text, size_t n) {
    struct str rest = text, line, *lines = arena_alloc(a, n * sizeof *lines);
    size_t count = 0;
    const char *joined = "";
    while (str_cut(&rest, '\n', &line)) {
        line = str_trim(line);
        if (line.len) lines[count++ % n] = line;
    }
    for (size_t i = count > n ? count - n : 0; i < count; i++)
        joined = arena_printf(
            a, "%s%s" STR_FMT, joined, *joined ? "; " : "", STR_ARG(lines[i % n]));
    return joined;
}
