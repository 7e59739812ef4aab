/* base/pool.c against what is no server: nobody waits in vain, nothing is answered from
 * within pool_ask, and no password is given away.  With a real one: tests/api/pool.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pool.h"

struct seen {
    struct loop *loop;
    struct pool *pool;
    unsigned answers, told, drained, order[64];
    enum pool_outcome outcome;
    char why[300];
    double at; /* when the last answer came */
    bool asking;
};
struct one {
    struct seen *seen;
    unsigned number;
};

static void answered(void *ctx, const struct pool_answer *a) {
    struct one *o = ctx;
    struct seen *s = o->seen;
    assert_false(s->asking);
    if (s->answers < 64) s->order[s->answers] = o->number;
    s->answers++;
    s->outcome = a->outcome;
    s->at = clock_seconds();
    snprintf(s->why, sizeof s->why, "%s", a->message);
}

static void told(void *ctx, const char *why) {
    struct seen *s = ctx;
    s->told++;
    if (why) snprintf(s->why, sizeof s->why, "%s", why);
}

static void drained(void *ctx) {
    struct seen *s = ctx;
    s->drained = s->answers + 1;
}

static void end(void *ctx) {
    loop_stop(((struct seen *)ctx)->loop);
}

static void run_for(struct seen *s, double seconds) {
    struct loop_event *timer = loop_timer(s->loop, end, s);
    loop_arm(timer, seconds);
    loop_run(s->loop);
    loop_event_free(timer);
}

static void begin(struct seen *s, const char *url, unsigned waiting) {
    *s = (struct seen){.loop = loop_new()};
    s->pool = pool_new(s->loop, &(struct pool_settings){.url = url,
                                    .connections = 3,
                                    .waiting = waiting,
                                    .seconds = 2,
                                    .told = told,
                                    .ctx = s});
}

static void ask(struct seen *s, struct one *o, unsigned number) {
    static const struct pool_local locals[] = {{"a.b", "c"}};
    static const char *const values[] = {"one", NULL};
    *o = (struct one){s, number};
    s->asking = true;
    pool_ask(s->pool, &(struct pool_question){.role = "tenantry_web",
                          .locals = locals,
                          .n_locals = 1,
                          .sql = "select $1::text, $2::text",
                          .values = values,
                          .n_values = 2,
                          .done = answered,
                          .ctx = o});
    s->asking = false;
}

static void finish(struct seen *s) {
    pool_free(s->pool);
    loop_free(s->loop);
}

static void nobody_there(void **state) {
    struct seen s;
    struct one ones[4];
    (void)state;
    begin(&s, "postgresql:///x?host=/nonexistent", 10);
    ask(&s, &ones[0], 0);
    assert_int_equal(s.answers, 0);
    run_for(&s, 0.2);
    assert_int_equal(s.answers, 1);
    assert_int_equal(s.outcome, POOL_AWAY);
    assert_int_equal(s.told, 1); /* though it was tried again and again */
    assert_non_null(strstr(s.why, "/nonexistent"));
    double now = clock_seconds();
    ask(&s, &ones[1], 1);
    run_for(&s, 0.2);
    assert_int_equal(s.answers, 2);
    assert_true(s.at - now < 0.05); /* known to be away: at once */
    finish(&s);
}

static void password_in_vain(void **state) {
    struct seen s;
    (void)state;
    begin(&s, "host=x sesame", 10);
    run_for(&s, 0.1);
    assert_int_equal(s.told, 1);
    assert_null(strstr(s.why, "sesame"));
    finish(&s);
}

/* A server that takes connections and never says a word. */
static int mute_server(char *url, size_t size) {
    char folder[] = "/tmp/tenantry-pool-XXXXXX";
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    assert_non_null(mkdtemp(folder));
    snprintf(name.sun_path, sizeof name.sun_path, "%s/.s.PGSQL.5432", folder);
    snprintf(url, size, "postgresql:///x?user=y&host=%s", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (void *)&name, sizeof name), 0);
    assert_int_equal(listen(fd, 10), 0);
    return fd;
}

static void remove_server(int fd, const char *url) {
    char path[120];
    close(fd);
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432", strchr(strstr(url, "host"), '/'));
    unlink(path);
    *strrchr(path, '/') = '\0';
    rmdir(path);
}

static void nobody_speaks(void **state) {
    char url[160];
    struct seen s;
    struct one ones[3];
    int fd = mute_server(url, sizeof url);
    (void)state;
    begin(&s, url, 10);
    double now = clock_seconds();
    for (unsigned i = 0; i < 3; i++) ask(&s, &ones[i], i);
    run_for(&s, 1.5);
    assert_int_equal(s.answers, 3);
    assert_true(s.at - now > 0.9 && s.at - now < 1.4);
    for (unsigned i = 0; i < 3; i++) assert_int_equal(s.order[i], i);
    now = clock_seconds();
    ask(&s, &ones[0], 3);
    run_for(&s, 0.1);
    assert_true(s.answers == 4 && s.at - now < 0.05);
    finish(&s);
    remove_server(fd, url);
}

static void too_many(void **state) {
    char url[160];
    struct seen s;
    struct one ones[5];
    int fd = mute_server(url, sizeof url);
    (void)state;
    begin(&s, url, 3);
    for (unsigned i = 0; i < 5; i++) ask(&s, &ones[i], i);
    run_for(&s, 0.1);
    assert_int_equal(s.answers, 2);
    assert_non_null(strstr(s.why, "too many"));
    pool_drain(s.pool, drained, &s);
    ask(&s, &ones[3], 5);
    run_for(&s, 0.1);
    assert_int_equal(s.answers, 3);
    assert_int_equal(s.drained, 0); /* three still wait */
    run_for(&s, 1.2);
    assert_int_equal(s.drained, 7); /* once all six were answered */
    finish(&s);
    assert_int_equal(s.answers, 6);
    remove_server(fd, url);
}

static void ended_with_questions(void **state) {
    char url[160];
    struct seen s;
    struct one ones[2];
    int fd = mute_server(url, sizeof url);
    (void)state;
    begin(&s, url, 3);
    ask(&s, &ones[0], 0);
    ask(&s, &ones[1], 1);
    finish(&s);
    assert_int_equal(s.answers, 2);
    assert_int_equal(s.outcome, POOL_AWAY);
    remove_server(fd, url);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(password_in_vain),
        cmocka_unit_test(nobody_speaks),
        cmocka_unit_test(too_many),
        cmocka_unit_test(ended_with_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
