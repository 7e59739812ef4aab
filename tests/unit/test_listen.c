/* base/listen.c against what is no server: that it says why, keeps trying, not too
 * often, and gives no password away. What it does with a real one is in tests/watch. */
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

#include "base/listen.h"

struct seen {
    unsigned heard, listening, lost, attempts;
    char why[512];
    struct loop *loop;
    int fd;
};

static void heard(void *ctx, const char *payload) {
    (void)payload;
    ((struct seen *)ctx)->heard++;
}

static void listening(void *ctx) {
    ((struct seen *)ctx)->listening++;
}

static void lost(void *ctx, const char *why) {
    struct seen *s = ctx;
    s->lost++;
    snprintf(s->why, sizeof s->why, "%s", why);
}

static void end(void *ctx) {
    loop_stop(((struct seen *)ctx)->loop);
}

static void listen_for(struct seen *s, const char *url, double seconds) {
    struct listen_settings settings = {.url = url,
        .channel = "tenantry",
        .heard = heard,
        .listening = listening,
        .lost = lost,
        .ctx = s};
    struct listener *n = listen_new(s->loop, &settings);
    struct loop_event *timer = loop_timer(s->loop, end, s);
    loop_arm(timer, seconds);
    assert_int_equal(s->lost, 0); /* nothing is called before the loop runs */
    loop_run(s->loop);
    listen_free(n);
    loop_event_free(timer);
}

static void nobody_there(void **state) {
    struct seen s = {.loop = loop_new()};
    (void)state;
    listen_for(&s, "postgresql:///x?host=/nonexistent", 0.5);
    assert_int_equal(s.lost, 1); /* though it was tried four times */
    assert_non_null(strstr(s.why, "/nonexistent"));
    assert_null(strchr(s.why, '\n'));
    assert_int_equal(s.listening + s.heard, 0);
    loop_free(s.loop);
}

static void password_in_vain(void **state) {
    struct seen s = {.loop = loop_new()};
    (void)state;
    listen_for(&s, "host=x sesame", 0.1);
    assert_int_equal(s.lost, 1);
    assert_null(strstr(s.why, "sesame"));
    loop_free(s.loop);
}

static void hang_up(void *ctx) {
    struct seen *s = ctx;
    int fd = accept(s->fd, NULL, NULL);
    if (fd >= 0) close(fd);
    s->attempts++;
}

static void tries_with_pauses(void **state) {
    char dir[] = "/tmp/listen-XXXXXX", url[64];
    struct seen s = {.loop = loop_new(), .fd = socket(AF_UNIX, SOCK_STREAM, 0)};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", dir);
    assert_int_equal(bind(s.fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(s.fd, 8), 0);
    struct loop_event *e = loop_fd(s.loop, s.fd, hang_up, &s);
    snprintf(url, sizeof url, "postgresql:///x?host=%s&port=5432", dir);
    listen_for(&s, url, 1.3);
    /* At 0, 50, 150, 350 and 750 ms, and next at 1550. */
    assert_in_range(s.attempts, 4, 5);
    assert_int_equal(s.lost, 1);
    loop_event_free(e);
    loop_free(s.loop);
    close(s.fd);
    unlink(address.sun_path);
    rmdir(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(password_in_vain),
        cmocka_unit_test(tries_with_pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
