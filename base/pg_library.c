#include "base/pg_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PG_LIBRARY "libpq.so.5"

struct loaded {
    pthread_once_t once;
    bool there; /* so that each cell of an answer need not ask `once` */
    struct pg_library table;
    char missing[256]; /* "": nothing is */
};

static struct loaded *loaded(void);

static void load(void) {
    struct loaded *l = loaded();
    static const char *const names[] = {
#define PG_NAME(f) #f,
        PG_FUNCTIONS(PG_NAME)
#undef PG_NAME
    };
    unsigned char *calls = (unsigned char *)&l->table;
    void *library = dlopen(PG_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    bool ok = library;
    for (size_t i = 0; ok && i < sizeof names / sizeof *names; i++) {
        void *call = dlsym(library, names[i]);
        ok = call;
        memcpy(calls + i * sizeof call, &call, sizeof call);
    }
    if (!ok) snprintf(l->missing, sizeof l->missing, "%s", dlerror());
    __atomic_store_n(&l->there, ok, __ATOMIC_RELEASE);
}

/* A process has its libraries once, whoever asks: hence the one thing here that is
 * neither passed on nor constant. */
static struct loaded *loaded(void) {
    static struct loaded l = {.once = PTHREAD_ONCE_INIT};
    return &l;
}

const char *pg_library_missing(void) {
    struct loaded *l = loaded();
    pthread_once(&l->once, load);
    return *l->missing ? l->missing : NULL;
}

const struct pg_library *pg_library(void) {
    if (__atomic_load_n(&loaded()->there, __ATOMIC_ACQUIRE)) return &loaded()->table;
    const char *missing = pg_library_missing();
    if (!missing) return &loaded()->table;
    fprintf(stderr, "the library for Postgres cannot be loaded: %s\n", missing);
    exit(3);
}
