#include "base/password.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"

/* 19 MiB and two passes, which OWASP asks of argon2id at least: 15 ms, and a flood of
 * logins stays small. */
#define PASSES 2
#define MEMORY (19u << 20)
#define PASSWORD_MAX 1024
#define THREADS_MAX 8
#define NICENESS 10 /* answering requests goes before */

struct job {
    struct job *next;
    struct password_question asked;
    char hash[crypto_pwhash_STRBYTES], made[crypto_pwhash_STRBYTES];
    char password[PASSWORD_MAX];
    bool right;
};
struct jobs {
    struct job *first, **last;
};
struct passwords {
    pthread_t threads[THREADS_MAX];
    unsigned n_threads;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t more;
    struct jobs waiting, done;
    unsigned n_waiting, max_waiting;
    bool stop;
    int event;
    struct loop_event *ready;
    char nobodys[crypto_pwhash_STRBYTES];
};

static void push(struct jobs *list, struct job *j) {
    j->next = NULL;
    *list->last = j;
    list->last = &j->next;
}

static struct job *pop(struct jobs *list) {
    struct job *j = list->first;
    if (!j) return NULL;
    list->first = j->next;
    if (!j->next) list->last = &list->first;
    return j;
}

static void job_free(struct job *j) {
    sodium_memzero(j, sizeof *j);
    mem_free(j);
}

/* ---- in a thread ---- */

static void make(char out[crypto_pwhash_STRBYTES], struct str password) {
    if (crypto_pwhash_str_alg(out, password.ptr, password.len, PASSES, MEMORY,
            crypto_pwhash_ALG_ARGON2ID13))
        mem_exhausted();
}

static void work(const struct passwords *p, struct job *j) {
    struct str password = {j->password, j->asked.password.len};
    if (j->asked.make) {
        make(j->made, password);
        return;
    }
    const char *hash = j->asked.hash ? j->hash : p->nobodys;
    bool right = !crypto_pwhash_str_verify(hash, password.ptr, password.len);
    j->right = right && j->asked.hash;
    if (j->right && crypto_pwhash_str_needs_rehash(hash, PASSES, MEMORY))
        make(j->made, password);
}

static void *run(void *ctx) {
    struct passwords *p = ctx;
    struct job *j;
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        if (!(j = pop(&p->waiting))) {
            pthread_cond_wait(&p->more, &p->lock);
            continue;
        }
        p->n_waiting--;
        pthread_mutex_unlock(&p->lock);
        work(p, j);
        pthread_mutex_lock(&p->lock);
        push(&p->done, j);
        if (eventfd_write(p->event, 1)) mem_exhausted();
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- on the loop ---- */

static void deliver(void *ctx) {
    struct passwords *p = ctx;
    struct job *list, *next;
    eventfd_t n;
    if (eventfd_read(p->event, &n) && errno != EAGAIN) mem_exhausted();
    pthread_mutex_lock(&p->lock);
    list = p->done.first;
    p->done = (struct jobs){NULL, &p->done.first};
    pthread_mutex_unlock(&p->lock);
    for (; list; list = next) {
        const struct password_answer a = {list->right, *list->made ? list->made : NULL};
        next = list->next;
        list->asked.done(list->asked.ctx, &a);
        job_free(list);
    }
}

bool password_ask(struct passwords *p, const struct password_question *q) {
    bool room = q->password.len <= PASSWORD_MAX;
    size_t size = q->hash ? strlen(q->hash) + 1 : 0;
    struct job *j = mem_calloc(1, sizeof *j);
    j->asked = *q;
    j->asked.password.ptr = NULL;
    if (room) memcpy(j->password, q->password.ptr, q->password.len);
    /* What is no hash of ours is nobody's. */
    if (size > sizeof j->hash) j->asked.hash = NULL;
    if (j->asked.hash) memcpy(j->hash, q->hash, size);
    pthread_mutex_lock(&p->lock);
    room &= p->n_waiting < p->max_waiting;
    if (room) {
        push(&p->waiting, j);
        p->n_waiting++;
        pthread_cond_signal(&p->more);
    }
    pthread_mutex_unlock(&p->lock);
    if (!room) job_free(j);
    return room;
}

/* Signals are the loop's: no thread may take one. */
static void start_threads(struct passwords *p, unsigned n) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; p->n_threads < n && p->n_threads < THREADS_MAX; p->n_threads++)
        if (pthread_create(&p->threads[p->n_threads], NULL, run, p)) mem_exhausted();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct passwords *passwords_new(struct loop *l, unsigned threads, unsigned waiting) {
    struct passwords *p = mem_calloc(1, sizeof *p);
    char nothing[32];
    if (sodium_init() < 0) mem_exhausted();
    randombytes_buf(nothing, sizeof nothing);
    make(p->nobodys, (struct str){nothing, sizeof nothing});
    p->max_waiting = waiting;
    p->waiting.last = &p->waiting.first;
    p->done.last = &p->done.first;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    p->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->event < 0) mem_exhausted();
    p->ready = loop_fd(l, p->event, deliver, p);
    start_threads(p, threads);
    return p;
}

void passwords_free(struct passwords *p) {
    struct job *j;
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++) pthread_join(p->threads[i], NULL);
    while ((j = pop(&p->waiting))) job_free(j);
    while ((j = pop(&p->done))) job_free(j);
    loop_event_free(p->ready);
    close(p->event);
    pthread_cond_destroy(&p->more);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}
