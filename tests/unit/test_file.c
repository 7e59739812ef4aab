/* Files: nothing leads outside, nothing blocks, order is fixed, modes are fixed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

/* <top>/root is the root; <top>/secret.txt lies outside it. */
struct place {
    char top[32];
    int fd;
    struct root root;
    struct arena arena;
};

static void put(const struct place *p, const char *path, const char *text) {
    assert_int_equal(file_make_parents(p->fd, path), 0);
    assert_int_equal(file_write_new(p->fd, path, str_from(text)), 0);
}

static void link_to(const struct place *p, const char *target, const char *path) {
    assert_int_equal(symlinkat(target, p->fd, path), 0);
}

static int make_place(void **state) {
    struct place *p = calloc(1, sizeof(*p));
    if (!p) return -1;
    *state = p;
    snprintf(p->top, sizeof(p->top), "/tmp/tenantry-file-XXXXXX");
    if (!mkdtemp(p->top)) return -1;
    p->fd = open(p->top, O_RDONLY | O_DIRECTORY);
    arena_init(&p->arena);
    put(p, "secret.txt", "secret");
    put(p, "outside/inner.txt", "secret");
    put(p, "root/plain.txt", "hello");
    put(p, "root/dir/sub/deep.txt", "deep");
    return root_open(&p->root, p->fd, "root", "tenants");
}

static int remove_place(void **state) {
    struct place *p = *state;
    root_close(&p->root);
    arena_dispose(&p->arena);
    close(p->fd);
    int err = file_remove_tree(AT_FDCWD, p->top);
    bool gone = access(p->top, F_OK) < 0;
    free(p);
    return err || !gone;
}

static int read_error(const struct root *r, const char *path) {
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, "before");
    int err = root_read(r, path, 1000, &b);
    if (err) assert_string_equal(b.ptr, "before");
    buf_dispose(&b);
    return err;
}

static void check_content(const struct root *r, const char *path, const char *text) {
    struct buf b;
    buf_init(&b, 0);
    assert_int_equal(root_read(r, path, 1000, &b), 0);
    assert_string_equal(b.ptr, text);
    buf_dispose(&b);
}

static void names_that_lead_out_are_refused(void **state) {
    struct place *p = *state;
    const struct root *r = &p->root;
    char absolute[64];
    snprintf(absolute, sizeof(absolute), "%s/root/plain.txt", p->top);
    assert_int_equal(read_error(r, "../secret.txt"), EXDEV);
    assert_int_equal(read_error(r, "dir/../../secret.txt"), EXDEV);
    assert_int_equal(read_error(r, "dir/../plain.txt"), EXDEV);
    assert_int_equal(read_error(r, ".."), EXDEV);
    assert_int_equal(read_error(r, absolute), EXDEV);
    assert_int_equal(read_error(r, "/etc/passwd"), EXDEV);
    check_content(r, "plain.txt", "hello");
    check_content(r, "dir/sub/deep.txt", "deep");
}

static void links_that_lead_out_are_refused(void **state) {
    struct place *p = *state;
    const struct root *r = &p->root;
    char absolute[64];
    snprintf(absolute, sizeof(absolute), "%s/root/plain.txt", p->top);
    link_to(p, "../secret.txt", "root/out.txt");
    link_to(p, "../outside", "root/outdir");
    link_to(p, absolute, "root/absolute.txt");
    link_to(p, "/proc/self/environ", "root/environ");
    link_to(p, "out.txt", "root/chain.txt");
    link_to(p, "loop", "root/loop");
    link_to(p, "nowhere", "root/dangling");
    assert_int_equal(read_error(r, "out.txt"), EXDEV);
    assert_int_equal(read_error(r, "outdir/inner.txt"), EXDEV);
    assert_int_equal(read_error(r, "absolute.txt"), EXDEV);
    assert_int_equal(read_error(r, "environ"), EXDEV);
    assert_int_equal(read_error(r, "chain.txt"), EXDEV);
    assert_int_equal(read_error(r, "loop"), ELOOP);
    assert_int_equal(read_error(r, "dangling"), ENOENT);
}

static void links_inside_are_followed(void **state) {
    struct place *p = *state;
    link_to(p, "../plain.txt", "root/dir/up.txt");
    link_to(p, "dir/sub", "root/short");
    check_content(&p->root, "dir/up.txt", "hello");
    check_content(&p->root, "short/deep.txt", "deep");
}

static void only_regular_files_are_opened(void **state) {
    struct place *p = *state;
    const struct root *r = &p->root;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/root/dir/socket", p->top);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(mkfifoat(p->fd, "root/dir/pipe", 0600), 0);
    alarm(10); /* a blocking open would never return */
    assert_int_equal(read_error(r, "dir/pipe"), EINVAL);
    alarm(0);
    assert_int_equal(read_error(r, "dir/socket"), EINVAL);
    assert_int_equal(read_error(r, "dir"), EISDIR);
    assert_int_equal(read_error(r, ""), EISDIR);
    assert_int_equal(read_error(r, "missing"), ENOENT);
    assert_int_equal(read_error(r, "plain.txt/below"), ENOENT);
    struct stat st;
    int file = root_open_file(r, "plain.txt", &st);
    assert_true(file >= 0);
    assert_int_equal(st.st_size, 5);
    assert_true(fcntl(file, F_GETFD) & FD_CLOEXEC);
    close(file);
    close(fd);
}

static void a_missing_root_holds_nothing(void **state) {
    struct place *p = *state;
    struct root r;
    struct file_list list;
    assert_int_equal(root_open(&r, p->fd, "nowhere", "content"), ENOENT);
    assert_int_equal(r.fd, -1);
    assert_string_equal(r.name, "content");
    assert_int_equal(read_error(&r, "plain.txt"), ENOENT);
    assert_int_equal(file_list_dir(&r, "", &p->arena, &list), ENOENT);
    assert_int_equal(list.n, 0);
    root_close(&r);
    assert_int_equal(root_open(&r, p->fd, "secret.txt", "content"), ENOTDIR);
}

static void sizes_are_capped(void **state) {
    struct place *p = *state;
    struct buf b;
    buf_init(&b, 0);
    assert_int_equal(root_read(&p->root, "plain.txt", 5, &b), 0);
    assert_string_equal(b.ptr, "hello");
    assert_int_equal(root_read(&p->root, "plain.txt", 4, &b), EFBIG);
    assert_string_equal(b.ptr, "hello");
    assert_int_equal(root_read(&p->root, "plain.txt", 0, &b), 0); /* 0: no cap */
    assert_string_equal(b.ptr, "hellohello");
    buf_dispose(&b);
    buf_init(&b, 4);
    assert_int_equal(root_read(&p->root, "plain.txt", 100, &b), EFBIG);
    assert_int_equal(b.len, 0);
    buf_dispose(&b);
}

static void write_pipe(int fd, size_t n) {
    char bytes[1000];
    memset(bytes, 'x', sizeof(bytes));
    for (; n > 0; n -= sizeof(bytes)) {
        if (write(fd, bytes, sizeof(bytes)) != sizeof(bytes)) _exit(1);
    }
    _exit(0);
}

/* Short reads, and a size nobody knew. */
static int read_pipe(size_t bytes, size_t hint, size_t max, struct buf *b) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) write_pipe(ends[1], bytes);
    close(ends[1]);
    int err = file_read_fd(ends[0], hint, max, b);
    close(ends[0]);
    waitpid(pid, NULL, 0);
    return err;
}

static void pipes_are_read_to_their_end(void **state) {
    (void)state;
    static const size_t hints[] = {0, 1, 1000, 300000, 1000000};
    struct buf b;
    buf_init(&b, 0);
    for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++) {
        assert_int_equal(read_pipe(300000, hints[i], 300000, &b), 0);
        assert_int_equal(b.len, 300000);
        buf_reset(&b);
        assert_int_equal(read_pipe(301000, hints[i], 300000, &b), EFBIG);
        assert_int_equal(b.len, 0);
    }
    buf_dispose(&b);
}

/* /proc says 0 bytes and means it not. */
static void files_without_a_size_are_read(void **state) {
    (void)state;
    struct root proc;
    struct buf b;
    buf_init(&b, 0);
    assert_int_equal(root_open(&proc, AT_FDCWD, "/proc", "proc"), 0);
    assert_int_equal(root_read(&proc, "version", 1000, &b), 0);
    assert_true(str_starts(buf_view(&b), "Linux version"));
    buf_dispose(&b);
    root_close(&proc);
}

static void check_list(const struct file_list *l, const char *const *paths, size_t n) {
    for (size_t i = 0; i < n && i < l->n; i++) {
        assert_string_equal(l->items[i].path, paths[i]);
    }
    assert_int_equal(l->n, n);
}

static void folders_are_listed_in_byte_order(void **state) {
    struct place *p = *state;
    struct file_list l;
    put(p, "root/list/b.txt", "");
    put(p, "root/list/B.txt", "");
    put(p, "root/list/\xC3\xA9.txt", "");
    put(p, "root/list/.hidden", "");
    put(p, "root/list/sub/x", "");
    link_to(p, "sub", "root/list/a-link");
    link_to(p, "../../../outside", "root/list/escape");
    assert_int_equal(mkfifoat(p->fd, "root/list/pipe", 0600), 0);
    assert_int_equal(file_list_dir(&p->root, "list", &p->arena, &l), 0);
    check_list(&l,
        (const char *[]){
            ".hidden", "B.txt", "a-link", "b.txt", "escape", "sub", "\xC3\xA9.txt"},
        7);
    assert_true(l.items[2].dir);
    assert_false(l.items[4].dir);
    assert_true(l.items[5].dir);
    assert_int_equal(file_list_dir(&p->root, "missing", &p->arena, &l), ENOENT);
    assert_int_equal(file_list_dir(&p->root, "plain.txt", &p->arena, &l), ENOTDIR);
    assert_int_equal(file_list_dir(&p->root, "..", &p->arena, &l), EXDEV);
    assert_int_equal(file_list_dir(&p->root, "list/escape", &p->arena, &l), EXDEV);
    assert_int_equal(file_list_dir(&p->root, "list/sub", &p->arena, &l), 0);
    check_list(&l, (const char *[]){"x"}, 1);
    assert_int_equal(file_list_dir(&p->root, "", &p->arena, &l), 0);
    check_list(&l, (const char *[]){"dir", "list", "plain.txt"}, 3);
}

static void walking_sorts_whole_paths(void **state) {
    struct place *p = *state;
    struct file_list l;
    put(p, "root/w/a/z.txt", "12345");
    put(p, "root/w/a-b.txt", "");
    put(p, "root/w/a.txt", "");
    put(p, "root/w/a/b/c.txt", "");
    link_to(p, "../dir/sub", "root/w/linked");
    link_to(p, "../../secret.txt", "root/w/out");
    link_to(p, "../../outside", "root/w/outdir");
    link_to(p, "../plain.txt", "root/w/plain");
    assert_int_equal(mkfifoat(p->fd, "root/w/pipe", 0600), 0);
    const char *paths[] = {"a-b.txt", "a.txt", "a/b/c.txt", "a/z.txt",
        "linked/deep.txt", "out", "outdir", "plain"};
    assert_int_equal(file_walk(&p->root, "w", false, &p->arena, &l), 0);
    check_list(&l, paths, 8);
    assert_int_equal(l.items[3].st.st_size, 0);
    assert_int_equal(file_walk(&p->root, "w", true, &p->arena, &l), 0);
    check_list(&l, paths, 8);
    assert_int_equal(l.items[3].st.st_size, 5);
    assert_int_equal(l.items[4].st.st_size, 4);
    assert_true(S_ISLNK(l.items[5].st.st_mode)); /* of the link, not of the secret */
    assert_int_equal(l.items[7].st.st_size, 5);  /* of the target */
    for (size_t i = 0; i < l.n; i++) assert_false(l.items[i].dir);
}

static void many_files_are_all_found(void **state) {
    struct place *p = *state;
    struct file_list l;
    for (int i = 0; i < 700; i++) {
        put(p, arena_printf(&p->arena, "root/m/%d/%03d.txt", i % 7, i), "");
    }
    assert_int_equal(file_walk(&p->root, "m", true, &p->arena, &l), 0);
    assert_int_equal(l.n, 700);
    for (size_t i = 1; i < l.n; i++) {
        assert_true(strcmp(l.items[i - 1].path, l.items[i].path) < 0);
    }
}

static void cycles_and_depth_end_the_walk(void **state) {
    struct place *p = *state;
    struct file_list l;
    put(p, "root/c/x/file", "");
    /* Two links back are 2^32 folders to whoever goes on after the first ELOOP. */
    link_to(p, "..", "root/c/x/up");
    link_to(p, "..", "root/c/x/up-again");
    alarm(10);
    assert_int_equal(file_walk(&p->root, "c", false, &p->arena, &l), ELOOP);
    alarm(0);
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, "root/d");
    for (int i = 0; i < 32; i++) buf_cstr(&b, "/d");
    assert_int_equal(file_make_dirs(p->fd, b.ptr), 0);
    put(p, arena_printf(&p->arena, "%s/file", b.ptr), "");
    assert_int_equal(file_walk(&p->root, "d", false, &p->arena, &l), 0);
    assert_int_equal(l.n, 1);
    buf_cstr(&b, "/d");
    assert_int_equal(file_make_dirs(p->fd, b.ptr), 0);
    assert_int_equal(file_walk(&p->root, "d", false, &p->arena, &l), ELOOP);
    buf_dispose(&b);
}

static bool forbid_openat2(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* The number of the first thing that is wrong, as a child's status. */
static int try_old_kernel(struct place *p) {
    struct file_list l;
    struct buf b;
    buf_init(&b, 0);
    if (!forbid_openat2()) return 77;
    if (root_read(&p->root, "dir/sub/deep.txt", 100, &b) != 0) return 1;
    if (!str_is(buf_view(&b), "deep")) return 2;
    if (root_read(&p->root, "out.txt", 100, &b) == 0) return 3;
    if (root_read(&p->root, "outdir/inner.txt", 100, &b) == 0) return 4;
    if (root_read(&p->root, "../secret.txt", 100, &b) != EXDEV) return 5;
    if (root_read(&p->root, "dir", 100, &b) != EISDIR) return 6;
    if (root_read(&p->root, "missing/x", 100, &b) != ENOENT) return 7;
    if (file_walk(&p->root, "", true, &p->arena, &l) != 0) return 8;
    if (l.n != 4 || strcmp(l.items[2].path, "outdir") != 0) return 9;
    if (!S_ISLNK(l.items[2].st.st_mode)) return 10;
    buf_dispose(&b);
    return 0;
}

static void without_openat2_links_are_refused(void **state) {
    struct place *p = *state;
    link_to(p, "../secret.txt", "root/out.txt");
    link_to(p, "../outside", "root/outdir");
    pid_t pid = fork();
    if (pid == 0) _exit(try_old_kernel(p));
    int status = 0;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static unsigned mode_of(const struct place *p, const char *path) {
    struct stat st;
    assert_int_equal(fstatat(p->fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st.st_mode & 07777;
}

static void modes_do_not_depend_on_the_umask(void **state) {
    struct place *p = *state;
    static const mode_t masks[] = {0, 077, 0777};
    for (int i = 0; i < 3; i++) {
        mode_t old = umask(masks[i]);
        const char *dir = arena_printf(&p->arena, "m%d/sub", i);
        const char *file = arena_printf(&p->arena, "m%d/sub/file", i);
        int err = file_make_dirs(p->fd, dir);
        if (!err) err = file_write_new(p->fd, file, STR("x"));
        if (!err) err = file_write_replace(p->fd, file, STR("y"));
        umask(old);
        assert_int_equal(err, 0);
        assert_int_equal(mode_of(p, dir), 0755);
        assert_int_equal(mode_of(p, file), 0644);
    }
}

static void folders_are_made_once(void **state) {
    struct place *p = *state;
    assert_int_equal(file_make_dirs(p->fd, "x/y/z/"), 0);
    assert_int_equal(file_make_dirs(p->fd, "x/y/z"), 0);
    assert_int_equal(file_make_dirs(p->fd, ""), 0);
    assert_int_equal(file_make_parents(p->fd, "file-at-top"), 0);
    assert_int_equal(file_make_parents(p->fd, "x/q/file"), 0);
    assert_int_equal(faccessat(p->fd, "x/q", F_OK, 0), 0);
    assert_int_equal(faccessat(p->fd, "x/q/file", F_OK, 0), -1);
    assert_int_equal(file_make_dirs(p->fd, "secret.txt"), ENOTDIR);
    assert_int_equal(file_make_dirs(p->fd, "secret.txt/below"), ENOTDIR);
    link_to(p, "x/y", "linked");
    assert_int_equal(file_make_dirs(p->fd, "linked/w"), 0);
}

static void new_files_replace_nothing(void **state) {
    struct place *p = *state;
    assert_int_equal(file_write_new(p->fd, "root/plain.txt", STR("x")), EEXIST);
    check_content(&p->root, "plain.txt", "hello");
    link_to(p, "../secret2.txt", "root/trap");
    assert_int_equal(file_write_new(p->fd, "root/trap", STR("x")), EEXIST);
    assert_int_equal(faccessat(p->fd, "secret2.txt", F_OK, 0), -1);
    assert_int_equal(file_write_new(p->fd, "no/such/folder", STR("x")), ENOENT);
}

static void a_full_disk_leaves_no_stump(void **state) {
    struct place *p = *state;
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = {10, 10};
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) < 0) _exit(9);
        struct str bytes = STR("more than ten bytes");
        if (file_write_new(p->fd, "stump", bytes) != EFBIG) _exit(1);
        if (faccessat(p->fd, "stump", F_OK, 0) == 0) _exit(2);
        if (file_write_replace(p->fd, "root/plain.txt", bytes) != EFBIG) _exit(3);
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    check_content(&p->root, "plain.txt", "hello");
    struct file_list l;
    assert_int_equal(file_list_dir(&p->root, "", &p->arena, &l), 0);
    assert_int_equal(l.n, 2); /* no temporary file either */
}

static void replacing_writes_only_changes(void **state) {
    struct place *p = *state;
    struct stat before, same, changed;
    fstatat(p->fd, "root/plain.txt", &before, 0);
    assert_int_equal(file_write_replace(p->fd, "root/plain.txt", STR("hello")), 0);
    fstatat(p->fd, "root/plain.txt", &same, 0);
    assert_int_equal(before.st_ino, same.st_ino);
    assert_int_equal(before.st_ctim.tv_nsec, same.st_ctim.tv_nsec);
    assert_int_equal(file_write_replace(p->fd, "root/plain.txt", STR("hallo")), 0);
    fstatat(p->fd, "root/plain.txt", &changed, 0);
    assert_int_not_equal(before.st_ino, changed.st_ino);
    check_content(&p->root, "plain.txt", "hallo");
    link_to(p, "../secret.txt", "root/link");
    assert_int_equal(file_write_replace(p->fd, "root/link", STR("secret")), 0);
    assert_int_equal(mode_of(p, "root/link"), 0644); /* the link itself went */
    assert_int_equal(file_write_replace(p->fd, "root/dir", STR("x")), EISDIR);
    assert_int_equal(file_write_replace(p->fd, "root/new", STR("")), 0);
    check_content(&p->root, "new", "");
    struct file_list l;
    assert_int_equal(file_list_dir(&p->root, "", &p->arena, &l), 0);
    check_list(&l, (const char *[]){"dir", "link", "new", "plain.txt"}, 4);
}

static void removing_does_not_follow_links(void **state) {
    struct place *p = *state;
    put(p, "tree/a/b/c", "x");
    link_to(p, "../outside", "tree/link");
    link_to(p, "../../secret.txt", "tree/a/link");
    assert_int_equal(mkfifoat(p->fd, "tree/pipe", 0600), 0);
    for (int i = 0; i < 500; i++) {
        put(p, arena_printf(&p->arena, "tree/many/%d", i), "");
    }
    assert_int_equal(file_remove_tree(p->fd, "tree"), 0);
    assert_int_equal(faccessat(p->fd, "tree", F_OK, AT_SYMLINK_NOFOLLOW), -1);
    assert_int_equal(faccessat(p->fd, "outside/inner.txt", F_OK, 0), 0);
    assert_int_equal(faccessat(p->fd, "secret.txt", F_OK, 0), 0);
    assert_int_equal(file_remove_tree(p->fd, "tree"), 0);
    assert_int_equal(file_remove_tree(p->fd, "root/plain.txt"), 0);
    assert_int_equal(read_error(&p->root, "plain.txt"), ENOENT);
    link_to(p, "outside", "dirlink");
    assert_int_equal(file_remove_tree(p->fd, "dirlink"), 0);
    assert_int_equal(faccessat(p->fd, "outside/inner.txt", F_OK, 0), 0);
}

static void safe_paths(void **state) {
    (void)state;
    static const char *const good[] = {
        "a", "a/b.html", ".well-known/x", "a b", "\xC3\xA9", "...", "a..b", "-"};
    static const char *const bad[] = {"", "/", "/a", "a/", "a//b", ".", "..", "a/../b",
        "./a", "a/.", "a\\b", "a\nb", "a\x7F", "\t"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        if (!path_is_safe(str_from(good[i]))) fail_msg("refused %s", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (path_is_safe(str_from(bad[i]))) fail_msg("accepted %s", bad[i]);
    }
    assert_false(path_is_safe((struct str){"a\0b", 3}));
    char text[1100];
    memset(text, 'x', sizeof(text));
    assert_true(path_is_safe((struct str){text, 255}));
    assert_false(path_is_safe((struct str){text, 256}));
    for (size_t i = 200; i < sizeof(text); i += 200) text[i] = '/';
    assert_true(path_is_safe((struct str){text, 1024}));
    assert_false(path_is_safe((struct str){text, 1025}));
}

static void path_parts(void **state) {
    (void)state;
    assert_true(str_is(path_suffix(STR("a/b.html")), "html"));
    assert_true(str_is(path_suffix(STR("a.tar.gz")), "gz"));
    assert_int_equal(path_suffix(STR("a.b/c")).len, 0);
    assert_int_equal(path_suffix(STR("a/.htaccess")).len, 0);
    assert_int_equal(path_suffix(STR("a.")).len, 0);
    assert_int_equal(path_suffix(STR("")).len, 0);
    assert_true(str_is(path_base(STR("a/b/c")), "c"));
    assert_true(str_is(path_base(STR("c")), "c"));
    assert_true(str_is(path_dir(STR("a/b/c")), "a/b"));
    assert_int_equal(path_dir(STR("c")).len, 0);
}

static void check_resolve(
    struct place *p, const char *dir, const char *rel, const char *expected) {
    char *path = path_resolve(&p->arena, str_from(dir), str_from(rel));
    if (!expected) {
        assert_null(path);
    } else {
        assert_non_null(path);
        assert_string_equal(path, expected);
    }
}

static void paths_are_resolved(void **state) {
    struct place *p = *state;
    check_resolve(p, "blog", "x.png", "blog/x.png");
    check_resolve(p, "blog", "./x.png", "blog/x.png");
    check_resolve(p, "blog/a", "../x.png", "blog/x.png");
    check_resolve(p, "blog/a", "../../x.png", "x.png");
    check_resolve(p, "blog/a", "../..", "");
    check_resolve(p, "blog/a", "../../../x.png", NULL);
    check_resolve(p, "", "..", NULL);
    check_resolve(p, "", "a/../../a", NULL);
    check_resolve(p, "blog", "/x.png", "x.png");
    check_resolve(p, "blog", "/../x.png", NULL);
    check_resolve(p, "blog", "a//b/./c/", "blog/a/b/c");
    check_resolve(p, "blog", "", "blog");
}

static void errors_are_said_in_words(void **state) {
    (void)state;
    assert_string_equal(file_error(EXDEV), "leads outside the folder");
    assert_string_equal(file_error(ENOENT), "does not exist");
    assert_string_equal(file_error(EFBIG), "is too large");
    assert_non_null(file_error(EIO));
    assert_string_equal(file_error(99999), "unknown error");
}

int main(void) {
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        IN_PLACE(names_that_lead_out_are_refused),
        IN_PLACE(links_that_lead_out_are_refused),
        IN_PLACE(links_inside_are_followed),
        IN_PLACE(only_regular_files_are_opened),
        IN_PLACE(a_missing_root_holds_nothing),
        IN_PLACE(sizes_are_capped),
        IN_PLACE(pipes_are_read_to_their_end),
        IN_PLACE(files_without_a_size_are_read),
        IN_PLACE(folders_are_listed_in_byte_order),
        IN_PLACE(walking_sorts_whole_paths),
        IN_PLACE(many_files_are_all_found),
        IN_PLACE(cycles_and_depth_end_the_walk),
        IN_PLACE(without_openat2_links_are_refused),
        IN_PLACE(modes_do_not_depend_on_the_umask),
        IN_PLACE(folders_are_made_once),
        IN_PLACE(new_files_replace_nothing),
        IN_PLACE(a_full_disk_leaves_no_stump),
        IN_PLACE(replacing_writes_only_changes),
        IN_PLACE(removing_does_not_follow_links),
        cmocka_unit_test(safe_paths),
        cmocka_unit_test(path_parts),
        IN_PLACE(paths_are_resolved),
        cmocka_unit_test(errors_are_said_in_words),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
