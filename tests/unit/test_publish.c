#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "generator/publish.h"

struct fixture {
    char top[64], dir[80];
    struct out_dir out;
    struct diag_list diags;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->top, sizeof f->top, "/tmp/tenantry-publish-XXXXXX");
    if (!mkdtemp(f->top)) return -1;
    snprintf(f->dir, sizeof f->dir, "%s/out", f->top);
    umask(022);
    diag_init(&f->diags);
    *state = f;
    return out_open(&f->out, f->dir, true, &f->diags) ? 0 : -1;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    out_close(&f->out);
    diag_dispose(&f->diags);
    file_remove_tree(AT_FDCWD, f->top);
    free(f);
    return 0;
}

/* "path=text" each, ended by NULL. */
static int put_all(struct tree *t, const char *const *files) {
    for (; *files; files++) {
        char path[256];
        const char *equals = strchr(*files, '=');
        snprintf(path, sizeof path, "%.*s", (int)(equals - *files), *files);
        int err = tree_put(t, path, str_from(equals + 1));
        if (err) return err;
    }
    return 0;
}

static struct tree *build(struct fixture *f, const char *const *files) {
    struct tree *t = tree_begin(&f->out, "acme.example");
    assert_int_equal(put_all(t, files), 0);
    assert_int_equal(tree_finish(t), 0);
    return t;
}

static void publish(struct fixture *f, const char *const *files) {
    struct tree *t = build(f, files);
    assert_int_equal(tree_commit(t, false), 0);
    tree_end(t);
}

#define FILES(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *content(struct fixture *f, const char *path) {
    struct root r = {.fd = f->out.fd, .name = "out"};
    struct buf b;
    buf_init(&b, 0);
    bool ok = root_read(&r, path, 0, &b) == 0;
    const char *text = ok ? arena_str(&f->diags.arena, buf_view(&b)) : NULL;
    buf_dispose(&b);
    return text;
}

static struct stat stat_of(struct fixture *f, const char *path) {
    struct stat st = {0};
    fstatat(f->out.fd, path, &st, AT_SYMLINK_NOFOLLOW);
    return st;
}

static void assert_no_stage(struct fixture *f) {
    struct root r = {.fd = f->out.fd, .name = "out"};
    struct file_list list = {0};
    assert_int_equal(file_list_dir(&r, ".tenantry/stage", &f->diags.arena, &list), 0);
    assert_int_equal(list.n, 0);
}

static void fresh_tree(void **state) {
    struct fixture *f = *state;
    struct tree *t =
        build(f, FILES("index.html=home", "a/b/c.txt=", "_headers=h", "a/x=y"));
    const struct tree_stats *s = tree_stats(t);
    assert_true(s->fresh);
    assert_int_equal(s->files, 4);
    assert_int_equal(s->bytes, 6);
    assert_int_equal(s->written, 4);
    assert_int_equal(s->n_changed, 4);
    assert_string_equal(s->changed[0], "_headers");
    assert_string_equal(s->changed[1], "a/b/c.txt");
    assert_null(content(f, "acme.example/index.html"));
    assert_int_equal(tree_commit(t, true), 0);
    tree_end(t);
    assert_string_equal(content(f, "acme.example/index.html"), "home");
    assert_string_equal(content(f, "acme.example/a/b/c.txt"), "");
    assert_int_equal(stat_of(f, "acme.example/a/x").st_mode, S_IFREG | 0644);
    assert_int_equal(stat_of(f, "acme.example/a").st_mode, S_IFDIR | 0755);
    assert_no_stage(f);
}

static void equal_tree_is_left_alone(void **state) {
    struct fixture *f = *state;
    publish(f, FILES("a=1", "b/c=2"));
    struct stat before = stat_of(f, "acme.example");
    struct tree *t = build(f, FILES("b/c=2", "a=1"));
    assert_int_equal(tree_stats(t)->written, 0);
    assert_int_equal(tree_stats(t)->n_changed, 0);
    assert_false(tree_stats(t)->fresh);
    assert_int_equal(tree_commit(t, false), 0);
    tree_end(t);
    assert_int_equal(stat_of(f, "acme.example").st_ino, before.st_ino);
}

static void changed_tree(void **state) {
    struct fixture *f = *state;
    publish(f, FILES("a=1", "b/c=2", "b/d=3", "gone/e=4", "gone/f=5", "z=6"));
    ino_t kept = stat_of(f, "acme.example/a").st_ino;
    struct tree *t = build(f, FILES("a=1", "new/x=7", "b/c=two", "b/d=3", "z=9"));
    const struct tree_stats *s = tree_stats(t);
    assert_int_equal(s->written, 3);
    assert_int_equal(s->removed, 2);
    assert_string_equal(s->changed[0], "b/c");
    assert_string_equal(s->changed[1], "new/x");
    assert_string_equal(s->changed[2], "z");
    assert_string_equal(s->removed_paths[0], "gone/e");
    assert_string_equal(s->removed_paths[1], "gone/f");
    assert_string_equal(content(f, "acme.example/z"), "6");
    assert_int_equal(tree_commit(t, false), 0);
    tree_end(t);
    assert_string_equal(content(f, "acme.example/z"), "9");
    assert_string_equal(content(f, "acme.example/b/c"), "two");
    assert_string_equal(content(f, "acme.example/b/d"), "3");
    assert_null(content(f, "acme.example/gone/e"));
    assert_int_equal(stat_of(f, "acme.example/gone").st_mode, 0);
    assert_int_equal(stat_of(f, "acme.example/a").st_ino, kept);
    assert_int_equal(stat_of(f, "acme.example/a").st_nlink, 1);
    assert_no_stage(f);
}

static void only_removals(void **state) {
    struct fixture *f = *state;
    publish(f, FILES("a=1", "b=2"));
    publish(f, FILES("a=1"));
    assert_null(content(f, "acme.example/b"));
    assert_string_equal(content(f, "acme.example/a"), "1");
}

/* What somebody did to the published tree by hand is undone. */
static void strays_are_healed(void **state) {
    struct fixture *f = *state;
    const char *const *files = FILES("a=1", "b/c=2", "d/e=3");
    publish(f, files);
    char at[128];
    snprintf(at, sizeof at, "%s/acme.example", f->dir);
    int dir = open(at, O_DIRECTORY);
    mkdirat(dir, "empty", 0755);
    unlinkat(dir, "a", 0);
    symlinkat("b/c", dir, "a");
    renameat(dir, "d", dir, "elsewhere");
    symlinkat("elsewhere", dir, "d");
    unlinkat(dir, "b/c", 0);
    mkdirat(dir, "b/c", 0755);
    file_write_new(dir, "b/c/x", STR("x"));
    close(dir);
    publish(f, files);
    assert_string_equal(content(f, "acme.example/a"), "1");
    assert_int_equal(stat_of(f, "acme.example/a").st_mode, S_IFREG | 0644);
    assert_string_equal(content(f, "acme.example/b/c"), "2");
    assert_int_equal(stat_of(f, "acme.example/d").st_mode, S_IFDIR | 0755);
    assert_int_equal(stat_of(f, "acme.example/empty").st_mode, 0);
    assert_int_equal(stat_of(f, "acme.example/elsewhere").st_mode, 0);
    fchmodat(f->out.fd, "acme.example/a", 0600, 0);
    publish(f, files);
    assert_int_equal(stat_of(f, "acme.example/a").st_mode, S_IFREG | 0644);
}

static void only_an_empty_folder_differs(void **state) {
    struct fixture *f = *state;
    publish(f, FILES("a=1"));
    mkdirat(f->out.fd, "acme.example/empty", 0755);
    publish(f, FILES("a=1"));
    assert_int_equal(stat_of(f, "acme.example/empty").st_mode, 0);
}

static int big_file(size_t size, char last) {
    int fd = memfd_create("big", MFD_CLOEXEC);
    char chunk[1000];
    memset(chunk, 'x', sizeof chunk);
    for (size_t at = 0; at < size; at += sizeof chunk)
        assert_int_equal(write(fd, chunk, sizeof chunk), sizeof chunk);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    assert_int_equal(pwrite(fd, &last, 1, (off_t)size - 1), 1);
    return fd;
}

static uint64_t publish_fd(struct fixture *f, int fd, size_t size) {
    struct tree *t = tree_begin(&f->out, "acme.example");
    assert_int_equal(tree_put_fd(t, "i/big", fd, size), 0);
    assert_int_equal(tree_put_link(t, "j/big", "i/big"), 0);
    assert_int_equal(tree_put(t, "small", STR("s")), 0);
    assert_int_equal(tree_put_link(t, "small2", "small"), 0);
    assert_int_equal(tree_finish(t), 0);
    assert_int_equal(tree_commit(t, false), 0);
    uint64_t written = tree_stats(t)->written;
    assert_int_equal(tree_stats(t)->bytes, 2 * size + 2);
    tree_end(t);
    close(fd);
    return written;
}

static void files_and_links(void **state) {
    struct fixture *f = *state;
    size_t size = 200001;
    assert_int_equal(publish_fd(f, big_file(size, 'a'), size), 4);
    assert_int_equal(stat_of(f, "acme.example/i/big").st_size, size);
    assert_int_equal(stat_of(f, "acme.example/i/big").st_ino,
        stat_of(f, "acme.example/j/big").st_ino);
    assert_int_equal(publish_fd(f, big_file(size, 'a'), size), 0);
    assert_int_equal(publish_fd(f, big_file(size, 'b'), size), 2);
    assert_int_equal(content(f, "acme.example/j/big")[size - 1], 'b');
    int fd = big_file(1000, 'a');
    struct tree *t = tree_begin(&f->out, "acme.example");
    assert_int_equal(tree_put_fd(t, "short", fd, 1001), EIO);
    assert_int_equal(tree_put(t, "more", STR("m")), EIO);
    assert_int_equal(tree_finish(t), EIO);
    assert_int_equal(tree_commit(t, false), EIO);
    tree_report(t, &f->diags);
    assert_non_null(strstr(f->diags.first->place.file, "/out/acme.example/short"));
    tree_end(t);
    close(fd);
    assert_no_stage(f);
    assert_int_equal(content(f, "acme.example/j/big")[size - 1], 'b');
}

static void uncommitted_tree_leaves_nothing(void **state) {
    struct fixture *f = *state;
    publish(f, FILES("a=1"));
    tree_end(build(f, FILES("a=2")));
    assert_string_equal(content(f, "acme.example/a"), "1");
    assert_no_stage(f);
}

static void failing_write_removes_the_stage(void **state) {
    struct fixture *f = *state;
    publish(f, FILES("a=1", "b=2"));
    struct rlimit old, small = {100, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    char text[200];
    memset(text, 'x', sizeof text);
    struct tree *t = tree_begin(&f->out, "acme.example");
    assert_int_equal(tree_put(t, "a", STR("1")), 0);
    setrlimit(RLIMIT_FSIZE, &small);
    int err = tree_put(t, "b", (struct str){text, sizeof text});
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(err, EFBIG);
    assert_int_equal(tree_finish(t), EFBIG);
    tree_end(t);
    assert_no_stage(f);
    assert_string_equal(content(f, "acme.example/b"), "2");
}

static void place_is_no_folder(void **state) {
    struct fixture *f = *state;
    file_write_new(f->out.fd, "acme.example", STR("x"));
    symlinkat("/tmp", f->out.fd, "link.example");
    struct tree *t = tree_begin(&f->out, "acme.example");
    assert_int_equal(tree_put(t, "a", STR("1")), ENOTDIR);
    tree_report(t, &f->diags);
    assert_non_null(strstr(f->diags.first->message, "is not a folder"));
    tree_end(t);
    t = tree_begin(&f->out, "link.example");
    assert_int_equal(tree_finish(t), ENOTDIR);
    tree_end(t);
}

/* renameat2 fails as on a file system that cannot exchange. */
static void forbid_exchange(void) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1), /* RENAME_EXCHANGE */
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        _exit(77);
}

static void without_exchange(void **state) {
    struct fixture *f = *state;
    publish(f, FILES("a=1", "b=2"));
    pid_t pid = fork();
    if (pid == 0) {
        forbid_exchange();
        struct tree *t = tree_begin(&f->out, "acme.example");
        int err = tree_put(t, "a", STR("new"));
        if (!err) err = tree_finish(t);
        if (!err) err = tree_commit(t, false);
        tree_end(t);
        _exit(err);
    }
    int status;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) skip();
    assert_int_equal(status, 0);
    assert_string_equal(content(f, "acme.example/a"), "new");
    assert_null(content(f, "acme.example/b"));
    assert_no_stage(f);
}

static void reopen(struct fixture *f) {
    out_close(&f->out);
    assert_true(out_open(&f->out, f->dir, true, &f->diags));
}

static void leftovers_are_swept(void **state) {
    struct fixture *f = *state;
    file_make_dirs(f->out.fd, ".tenantry/stage/1/acme.example/a");
    file_make_dirs(f->out.fd, ".tenantry/stage/2.old/lost.example/a");
    file_make_dirs(f->out.fd, ".tenantry/stage/2.old/acme.example/old");
    publish(f, FILES("a=1"));
    reopen(f);
    assert_no_stage(f);
    assert_int_equal(stat_of(f, "lost.example/a").st_mode, S_IFDIR | 0755);
    assert_string_equal(content(f, "acme.example/a"), "1");
}

static bool keep_acme(void *ctx, const char *name) {
    (void)ctx;
    return strcmp(name, "acme.example") == 0;
}

static void note_removed(void *ctx, const char *name) {
    buf_printf(ctx, "%s ", name);
}

static void sweep_trees(void **state) {
    struct fixture *f = *state;
    publish(f, FILES("a=1"));
    file_make_dirs(f->out.fd, "old.example/x/y");
    file_make_dirs(f->out.fd, "b.example");
    file_make_dirs(f->out.fd, ".hidden");
    file_write_new(f->out.fd, "hosts.json", STR("{}"));
    struct buf names;
    buf_init(&names, 0);
    assert_int_equal(out_sweep(&f->out, keep_acme, note_removed, &names), 0);
    assert_string_equal(names.ptr, "b.example old.example ");
    buf_dispose(&names);
    assert_string_equal(content(f, "acme.example/a"), "1");
    assert_string_equal(content(f, "hosts.json"), "{}");
    assert_int_equal(stat_of(f, "old.example").st_mode, 0);
    assert_int_equal(stat_of(f, ".hidden").st_mode, S_IFDIR | 0755);
    assert_no_stage(f);
}

static void refuses(struct fixture *f, const char *dir, bool writer, const char *why) {
    struct out_dir o;
    diag_reset(&f->diags);
    assert_false(out_open(&o, dir, writer, &f->diags));
    assert_int_equal(o.fd, -1);
    assert_int_equal(f->diags.errors, 1);
    if (!strstr(f->diags.first->message, why))
        print_error("%s\n", f->diags.first->message);
    assert_non_null(strstr(f->diags.first->message, why));
}

static void foreign_folders_are_refused(void **state) {
    struct fixture *f = *state;
    char dir[128];
    refuses(f, f->top, true, "not Tenantry's (\"out\")");
    snprintf(dir, sizeof dir, "%s/link/", f->top);
    char link[128];
    snprintf(link, sizeof link, "%s/link", f->top);
    assert_int_equal(symlink("out", link), 0);
    refuses(f, dir, true, "symbolic link");
    snprintf(dir, sizeof dir, "%s/none", f->top);
    refuses(f, dir, false, "does not exist yet");
    snprintf(dir, sizeof dir, "%s/file", f->top);
    file_write_new(AT_FDCWD, dir, STR("x"));
    refuses(f, dir, true, "not a folder");
    snprintf(dir, sizeof dir, "%s/file/out", f->top);
    refuses(f, dir, true, "not a folder");
    snprintf(dir, sizeof dir, "%s/new/deep/out//", f->top);
    struct out_dir o;
    assert_true(out_open(&o, dir, true, &f->diags));
    out_close(&o);
}

static void second_build_waits(void **state) {
    struct fixture *f = *state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        /* Its own open file, so its own lock; the inherited one is let go. */
        close(f->out.lock_fd);
        close(2);
        struct out_dir o;
        bool ok = out_open(&o, f->dir, true, &f->diags);
        ssize_t n = write(fds[1], "x", 1);
        _exit(ok && n == 1 ? 0 : 1);
    }
    char c;
    close(fds[1]);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    usleep(100000);
    assert_int_equal(read(fds[0], &c, 1), -1);
    out_close(&f->out);
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    close(fds[0]);
    assert_true(out_open(&f->out, f->dir, true, &f->diags));
}

/* Killed at any moment: the old tree or the new one, and the next build goes on. */
static void killed_builds(void **state) {
    struct fixture *f = *state;
    enum { N = 40, ROUNDS = 60 };
    char path[32], text[16];
    bool existed = false;
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int version = 0;; version++) {
                struct tree *t = tree_begin(&f->out, "acme.example");
                for (int i = 0; i < N; i++) {
                    snprintf(path, sizeof path, "d%d/f%d", i % 7, i);
                    snprintf(text, sizeof text, "%d", i % 5 ? version : i);
                    tree_put(t, path, str_from(text));
                }
                if (tree_finish(t) || tree_commit(t, false)) _exit(1);
                tree_end(t);
            }
        }
        usleep((useconds_t)(rand() % 5000));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        reopen(f);
        assert_no_stage(f);
        bool exists = stat_of(f, "acme.example").st_mode != 0;
        assert_true(exists || !existed);
        existed = exists;
        if (!exists) continue;
        char first[16] = "";
        for (int i = 0; i < N; i++) {
            snprintf(path, sizeof path, "acme.example/d%d/f%d", i % 7, i);
            const char *got = content(f, path);
            assert_non_null(got);
            if (i == 1) snprintf(first, sizeof first, "%s", got);
            if (i % 5) assert_string_equal(got, first);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(fresh_tree),
        TEST(equal_tree_is_left_alone),
        TEST(changed_tree),
        TEST(only_removals),
        TEST(strays_are_healed),
        TEST(only_an_empty_folder_differs),
        TEST(files_and_links),
        TEST(uncommitted_tree_leaves_nothing),
        TEST(failing_write_removes_the_stage),
        TEST(place_is_no_folder),
        TEST(without_exchange),
        TEST(leftovers_are_swept),
        TEST(sweep_trees),
        TEST(foreign_folders_are_refused),
        TEST(second_build_waits),
        TEST(killed_builds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
