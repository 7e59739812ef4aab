/* Arenas: alignment, zeroes, growth and reuse; and what happens without memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdalign.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"

static bool is_zero(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (p[i]) return false;
    }
    return true;
}

static void memory_is_aligned_and_zeroed(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    for (int round = 0; round < 2; round++) {
        for (size_t size = 1; size < 3000; size += 7) {
            arena_strdup(&a, "x"); /* makes the next address odd */
            char *p = arena_alloc(&a, size);
            assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
            assert_true(is_zero(p, size));
            memset(p, 0xAA, size);
        }
        arena_reset(&a); /* the second round meets used memory */
    }
    arena_dispose(&a);
}

static void pointers_stay_when_it_grows(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    enum { N = 5000 };
    static char *texts[N];
    for (int i = 0; i < N; i++) texts[i] = arena_printf(&a, "number %d", i);
    char *big = arena_alloc(&a, 3 * 1024 * 1024);
    memset(big, 1, 3 * 1024 * 1024);
    for (int i = 0; i < N; i++) {
        assert_int_equal(strtol(texts[i] + strlen("number "), NULL, 10), i);
    }
    assert_true(a.total >= 3 * 1024 * 1024);
    arena_dispose(&a);
    assert_null(a.block);
    assert_int_equal(a.total, 0);
}

static void a_big_item_wastes_no_room(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    arena_alloc(&a, 100);
    arena_alloc(&a, 1024 * 1024);
    size_t total = a.total;
    arena_alloc(&a, 50000); /* still fits the first block */
    assert_int_equal(a.total, total);
    arena_dispose(&a);
}

static void reset_keeps_one_block(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    arena_reset(&a);
    for (int i = 0; i < 100; i++) arena_alloc(&a, 10000);
    arena_reset(&a);
    size_t kept = a.total;
    assert_true(kept >= 64 * 1024);
    for (size_t i = 0; i < kept / 2 / 1000; i++) arena_alloc(&a, 1000);
    assert_int_equal(a.total, kept);
    arena_alloc(&a, 64 * 1024 * 1024);
    arena_reset(&a); /* but not one giant for ever */
    assert_true(a.total < 16 * 1024 * 1024);
    arena_dispose(&a);
}

static void texts(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a);
    assert_string_equal(arena_str(&a, str_slice(STR("abcdef"), 1, 3)), "bc");
    assert_string_equal(arena_str(&a, (struct str){NULL, 0}), "");
    struct str copy = arena_copy(&a, (struct str){"a\0b", 3});
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.ptr, "a\0b", 4);
    char *wide = arena_printf(&a, "%0100000d", 7);
    assert_int_equal(strlen(wide), 100000);
    assert_int_equal(wide[99999], '7');
    assert_string_equal(arena_printf(&a, "%s-%d", "x", 1), "x-1");
    arena_dispose(&a);
}

static int status_of(void (*action)(void)) {
    pid_t pid = fork();
    if (pid == 0) {
        close(STDERR_FILENO);
        action();
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void overflow_product(void) {
    volatile size_t huge = SIZE_MAX / 2;
    size_t cap = 0;
    mem_grow(NULL, &cap, huge, 16);
}

static void overflow_buffer(void) {
    volatile size_t huge = SIZE_MAX;
    struct buf b;
    buf_init(&b, 0);
    buf_cstr(&b, "x");
    buf_reserve(&b, huge);
}

static void no_memory_ends_with_status_3(void **state) {
    (void)state;
    assert_int_equal(status_of(overflow_product), 3);
    assert_int_equal(status_of(overflow_buffer), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_zeroed),
        cmocka_unit_test(pointers_stay_when_it_grows),
        cmocka_unit_test(a_big_item_wastes_no_room),
        cmocka_unit_test(reset_keeps_one_block),
        cmocka_unit_test(texts),
        cmocka_unit_test(no_memory_ends_with_status_3),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
