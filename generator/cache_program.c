/* Which program made a cache: the build ids of the program and of every library it runs
 * with, so that another compiler, option or library version counts as another program.
 */
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

#include "generator/cache_internal.h"

#define BUILD_ID_MAX 64

static size_t padded(size_t n) {
    return (n + 3) & ~(size_t)3;
}

/* Looks through one segment of notes. */
static bool find_build_id(const char *at, size_t size, struct buf *out) {
    while (size >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *note = (const void *)at;
        size_t name = padded(note->n_namesz), text = padded(note->n_descsz);
        if (name > size || text > size || sizeof *note + name + text > size)
            return false;
        const char *desc = at + sizeof *note + name;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_descsz <= BUILD_ID_MAX)
            return buf_append(out, desc, note->n_descsz);
        at = desc + text;
        size -= sizeof *note + name + text;
    }
    return false;
}

static void note_file(const char *path, struct buf *out) {
    struct stat st;
    if (stat(path, &st) != 0) return;
    buf_printf(out, "%s %lld %lld.%09ld", path, (long long)st.st_size,
        (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static int note_object(struct dl_phdr_info *info, size_t size, void *ctx) {
    (void)size;
    /* The kernel's own, which comes and goes with it. */
    if (strstr(info->dlpi_name, "linux-vdso") || strstr(info->dlpi_name, "linux-gate"))
        return 0;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        const char *at = (const char *)(info->dlpi_addr + p->p_vaddr);
        if (p->p_type == PT_NOTE && find_build_id(at, p->p_memsz, ctx)) return 0;
    }
    note_file(*info->dlpi_name ? info->dlpi_name : "/proc/self/exe", ctx);
    return 0;
}

struct hash cache_program(void) {
    struct buf all;
    buf_init(&all, 0);
    buf_cstr(&all, TENANTRY_VERSION);
    dl_iterate_phdr(note_object, &all);
    struct hash h = hash_of(buf_view(&all));
    buf_dispose(&all);
    return h;
}
