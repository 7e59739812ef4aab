#include "generator/command_print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "generator/build.h"

void print_object(const json_t *v) {
    struct buf text;
    buf_init(&text, 0);
    json_write(&text, v, 0);
    buf_char(&text, '\n');
    fwrite(text.ptr, 1, text.len, stdout);
    buf_dispose(&text);
}

static const char *cell(const json_t *row, const char *key) {
    const char *text = json_string_value(json_object_get(row, key));
    return text && *text ? text : "-";
}

/* Columns of a terminal, near enough: one a code point. */
static size_t width(const char *text) {
    size_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static size_t *widest_cells(const json_t *rows, const char *const *keys, size_t n) {
    size_t *widest = mem_calloc(n, sizeof *widest), i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        for (size_t k = 0; k < n; k++) {
            size_t w = width(cell(row, keys[k]));
            if (w > widest[k]) widest[k] = w;
        }
    }
    return widest;
}

static void print_table(const json_t *rows, const char *const *keys, size_t n) {
    size_t *widest = widest_cells(rows, keys, n), i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        size_t owed = 0; /* blanks, printed only when something follows */
        for (size_t k = 0; k < n; k++) {
            const char *text = cell(row, keys[k]);
            if (k + 1 == n && !strcmp(text, "-")) break;
            printf("%*s%s", (int)owed, "", text);
            owed = widest[k] - width(text) + 2;
        }
        putchar('\n');
    }
    mem_free(widest);
}

void print_rows(
    const json_t *rows, const char *const *keys, size_t n, const struct options *o) {
    json_t *row;
    size_t i;
    if (!o->json)
        print_table(rows, keys, n);
    else
        json_array_foreach(rows, i, row) print_object(row);
}

void print_diags(const struct diag_list *diags, int dir_fd, const struct options *o) {
    bool colour = isatty(STDERR_FILENO);
    for (const struct diag *d = diags->first; d; d = d->next) {
        if (d->level != DIAG_ERROR && o->verbosity < 1) continue;
        if (o->json)
            diag_print_json(d, stdout);
        else
            diag_print_human(d, dir_fd, colour, stderr);
    }
}

int print_end(int code) {
    if (!fflush(stdout) && !ferror(stdout)) return code;
    fprintf(stderr, "tenantry: cannot write to standard output: %s\n", strerror(errno));
    return EXIT_MACHINE;
}
