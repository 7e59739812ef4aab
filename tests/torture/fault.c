/* Preloaded into the program by tests/torture/run: makes things go wrong at a chosen
 * place.
 *
 * FAULT_MARK, FAULT_HOW: the Markdown parser aborts, crashes, spins or eats all memory
 * when it is fed the mark.  FAULT_CALL, FAULT_ERRNO: the n-th call that changes the
 * file system fails, counted over all processes.  FAULT_COUNT: file to write the number
 * of such calls to. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* ---- the parser ---- */

typedef struct cmark_parser cmark_parser;
void cmark_parser_feed(cmark_parser *parser, const char *text, size_t len);

static void eat_memory(void) {
    size_t size = (size_t)64 << 20, eaten = 0;
    while (size >= 32 && eaten < (size_t)16 << 30) {
        if (malloc(size))
            eaten += size;
        else
            size /= 2;
    }
}

static void break_down(const char *how) {
    if (!strcmp(how, "abort")) abort();
    if (!strcmp(how, "exit")) _exit(7);
    if (!strcmp(how, "segv")) *(volatile int *)16 = 1;
    if (!strcmp(how, "memory")) eat_memory();
    while (!strcmp(how, "spin")) atomic_signal_fence(memory_order_seq_cst);
}

void cmark_parser_feed(cmark_parser *parser, const char *text, size_t len) {
    const char *mark = getenv("FAULT_MARK"), *how = getenv("FAULT_HOW");
    if (mark && how && memmem(text, len, mark, strlen(mark))) break_down(how);
    NEXT(cmark_parser_feed)(parser, text, len);
}

/* ---- the file system ---- */

static atomic_long *calls; /* shared with every process forked later */

__attribute__((constructor)) static void begin(void) {
    void *p = mmap(
        NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    calls = p == MAP_FAILED ? NULL : p;
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("FAULT_COUNT");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f) return;
    fprintf(f, "%ld\n", calls ? atomic_load(calls) : 0);
    fclose(f);
}

static int fails(void) {
    const char *call = getenv("FAULT_CALL"), *err = getenv("FAULT_ERRNO");
    long n = calls ? atomic_fetch_add(calls, 1) + 1 : 0;
    if (!call || !err || n != strtol(call, NULL, 10)) return 0;
    errno = (int)strtol(err, NULL, 10);
    return 1;
}

int openat(int fd, const char *path, int flags, ...) {
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    if (flags & O_CREAT && fails()) return -1;
    return NEXT(openat)(fd, path, flags, mode);
}
ssize_t write(int fd, const void *bytes, size_t n) {
    struct stat st;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && fd > 2 && fails()) return -1;
    return NEXT(write)(fd, bytes, n);
}
ssize_t copy_file_range(
    int in, off_t *from, int out, off_t *to, size_t n, unsigned flags) {
    return fails() ? -1 : NEXT(copy_file_range)(in, from, out, to, n, flags);
}
int mkdirat(int fd, const char *path, mode_t mode) {
    return fails() ? -1 : NEXT(mkdirat)(fd, path, mode);
}
int linkat(int a, const char *from, int b, const char *to, int flags) {
    return fails() ? -1 : NEXT(linkat)(a, from, b, to, flags);
}
int renameat(int a, const char *from, int b, const char *to) {
    return fails() ? -1 : NEXT(renameat)(a, from, b, to);
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    return fails() ? -1 : NEXT(renameat2)(a, from, b, to, flags);
}
int unlinkat(int fd, const char *path, int flags) {
    return fails() ? -1 : NEXT(unlinkat)(fd, path, flags);
}
int syncfs(int fd) {
    return fails() ? -1 : NEXT(syncfs)(fd);
}
