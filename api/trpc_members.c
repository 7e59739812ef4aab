/* members.list, members.get, users.getCurrentUser. */
#include "api/photo.h"
#include "api/trpc.h"

static bool sign_one(struct trpc_call *t, json_t *answer) {
    photo_sign(&t->call, answer);
    return true;
}

static bool sign_all(struct trpc_call *t, json_t *answer) {
    size_t i;
    json_t *member;
    json_array_foreach(json_object_get(answer, "members"), i, member)
        photo_sign(&t->call, member);
    return true;
}

const struct trpc_procedure trpc_members_list = {.name = "members.list",
    .summary = "Members by the time they joined; admins see e-mail addresses",
    .who = RANK_MEMBER,
    .input = (const struct trpc_field[]){{.name = "page",
                                             .type = TRPC_INTEGER,
                                             .min = 1,
                                             .max = 1000000,
                                             .otherwise = "1"},
        {.name = "limit",
            .type = TRPC_INTEGER,
            .min = 1,
            .max = 100,
            .otherwise = "20"},
        {.name = "search", .type = TRPC_LINE, .min = 0, .max = 100},
        {.name = "role", .type = TRPC_WORD, .words = {"MEMBER", "ADMIN"}}, {0}},
    .sql = "select tenantry.trpc_members_list($1::int, $2::int, nullif($3, ''), $4)",
    .finish = sign_all,
    .marks = (const struct trpc_mark[]){
        {"members.*.joinedAt", "Date"}, {"members.*.lastActiveAt", "Date"}, {0}}};

const struct trpc_procedure trpc_members_get = {.name = "members.get",
    .summary = "One member",
    .who = RANK_MEMBER,
    .input = (const struct trpc_field[]){{.name = "userId",
                                             .type = TRPC_ID,
                                             .required = true,
                                             .missing = "there is no such member"},
        {0}},
    .sql = "select tenantry.trpc_members_get($1::uuid)",
    .finish = sign_one,
    .marks = (const struct trpc_mark[]){
        {"joinedAt", "Date"}, {"lastActiveAt", "Date"}, {0}}};

const struct trpc_procedure trpc_current_user = {.name = "users.getCurrentUser",
    .summary =
        "Whoever asks: role, tenant, subscription, whether they are a free member",
    .who = RANK_GUEST,
    .input = (const struct trpc_field[]){{0}},
    .sql = "select tenantry.trpc_current_user()",
    .finish = sign_one,
    .marks = (const struct trpc_mark[]){{"joinedAt", "Date"},
        {"subscription.currentPeriodEnd", "Date"}, {"subscription.trialEnd", "Date"},
        {"subscription.graceUntil", "Date"}, {0}}};

const struct trpc_procedure *const trpc_procedures[] = {&trpc_posts_list,
    &trpc_posts_create, &trpc_members_list, &trpc_members_get, &trpc_current_user,
    NULL};
