// trpc.mjs FILE: the calls of the seed document by the real @trpc/client and superjson, against a running server.
// FILE says where and as whom.  Prints a line of JSON for each thing that was looked at.
import fs from "node:fs";
import http from "node:http";
import { Readable } from "node:stream";
import {
  createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink, splitLink, TRPCClientError,
} from "@trpc/client";
import superjson from "superjson";

const given = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const { spaceId, memberId, paidSpaceId, foreignPostId } = given;
const say = (ok, what, detail) => console.log(JSON.stringify({ ok: Boolean(ok), what, detail: String(detail ?? "") }));
const LINKS = { httpLink, httpBatchLink, httpBatchStreamLink };

// fetch, but that it sends the Host it is told.
const fetchAs = (host) => (url, { method, headers, body }) =>
  new Promise((resolve, reject) => {
    const sent = http.request(url, { method, headers: { ...headers, host } }, (r) =>
      resolve(new Response(Readable.toWeb(r), { status: r.statusCode, headers: r.headers })));
    sent.on("error", reject).end(body ?? undefined);
  });
function client(link, token, host = given.host, more = {}) {
  const headers = { "x-client-type": "mobile", ...(token && { Authorization: `Bearer ${token}` }) };
  return createTRPCClient({ links: [link({ url: `${given.base}/api/trpc`, transformer: superjson, headers, fetch: fetchAs(host), ...more })] });
}
async function failing(promise) {
  try {
    return { value: await promise };
  } catch (e) {
    return e;
  }
}
async function attempt(what, run) {
  try {
    await run((ok, sub, detail) => say(ok, `${what}: ${sub}`, detail));
  } catch (e) {
    say(false, what, e.stack);
  }
}

for (const [name, link] of Object.entries(LINKS)) {
  const api = client(link, given.admin);

  await attempt(`${name}, members`, async (ok) => {
    const members = await api.members.list.query({ page: 1, limit: 20, search: "john", role: "MEMBER" });
    ok(members.members.length === 1 && members.total === 1, "one is called john", JSON.stringify(members));
    ok(members.members[0].joinedAt instanceof Date, "and joined on a Date");
    ok(members.members[0].email === "john@fiveducks.example", "admins see his e-mail");
    const member = await api.members.get.query({ userId: memberId });
    ok(member.userId === memberId && member.role === "MEMBER", "members.get", JSON.stringify(member));
  });

  await attempt(`${name}, getCurrentUser`, async (ok) => {
    const free = await client(link, given.free).users.getCurrentUser.query();
    ok(free.isFreeMember === true && free.subscription === null, "a free member is one", JSON.stringify(free));
    const paid = await client(link, given.paid).users.getCurrentUser.query();
    ok(paid.isFreeMember === false && paid.subscription.status === "active", "who has paid is none", JSON.stringify(paid));
    ok(paid.subscription.currentPeriodEnd instanceof Date, "the period ends on a Date");
    ok(paid.tenant.slug === "5ducks" && paid.email === "paid@fiveducks.example" && paid.role === "MEMBER", "tenant, e-mail, role");
  });

  await attempt(`${name}, posts`, async (ok) => {
    const post = await api.posts.create.mutate({
      spaceId,
      title: "Welcome to the community!",
      content: "<p>This is a rich text post with <strong>formatting</strong>.</p>",
      status: "PUBLISHED", // DRAFT | PUBLISHED | SCHEDULED | ARCHIVED
    });
    ok(post.status === "PUBLISHED" && post.createdAt instanceof Date && post.slug.startsWith("welcome-to-the-community"), "create", JSON.stringify(post));
    const due = new Date("2031-04-15T09:00:00.123Z");
    const later = await api.posts.create.mutate({ spaceId, title: "Later", content: "", status: "SCHEDULED", scheduledAt: due });
    ok(later.scheduledAt instanceof Date && later.scheduledAt.getTime() === due.getTime(), "a Date goes there and back", later.scheduledAt);

    let cursor, pages = 0;
    const ids = [];
    do {
      const page = await api.posts.list.query({ spaceId, limit: 2, cursor });
      ids.push(...page.posts.map((p) => p.id));
      if (!pages) {
        const p = page.posts[0];
        ok(p.id === post.id && p.title && p.content.includes("<strong>") && p.status === "PUBLISHED", "the newest comes first", JSON.stringify(p));
        ok(p.author.name === "Tomasz Lind" && p.author.profilePhotoUrl.startsWith("/media/tomasz.jpg?verify="), "author with signed profilePhotoUrl", JSON.stringify(p.author));
        ok(p._count.Reaction === 0 && p._count.Comment === 0, "_count", JSON.stringify(p._count));
        ok(p.createdAt instanceof Date && p.updatedAt instanceof Date, "dates are Dates");
      }
      cursor = page.nextCursor;
      pages++;
    } while (cursor && pages < 50);
    ok(cursor === undefined, "after the last page the cursor is undefined", cursor);
    ok(new Set(ids).size === ids.length && ids.length > 2 && ids.includes(post.id) && !ids.includes(later.id), "pages hold each once", ids.join());
    const reactions = (await api.posts.list.query({ spaceId, limit: 100 })).posts.find((p) => p.slug === "the-sixth-lead");
    ok(reactions._count.Comment === 2 && reactions._count.Reaction > 0, "comments and reactions are counted", JSON.stringify(reactions._count));
  });

  await attempt(`${name}, errors`, async (ok) => {
    const nobody = client(link);
    const error = await failing(nobody.members.list.query({}));
    ok(error instanceof TRPCClientError && error.data.code === "UNAUTHORIZED" && error.data.httpStatus === 401, "UNAUTHORIZED", error);
    ok(error.data.path === "members.list", "says where", JSON.stringify(error.data));
    const cases = {
      FORBIDDEN: () => client(link, given.free).posts.list.query({ spaceId: paidSpaceId }),
      NOT_FOUND: () => api.members.get.query({ userId: "user_abc123" }),
      BAD_REQUEST: () => api.posts.list.query({ limit: 1000 }),
    };
    for (const [code, call] of Object.entries(cases)) {
      const e = await failing(call());
      ok(e instanceof TRPCClientError && e.data.code === code, code, e.message ?? JSON.stringify(e));
    }
    const fields = await failing(api.posts.create.mutate({ spaceId, title: "", content: 7, status: "LOST" }));
    ok(Object.keys(fields.data.fieldErrors).sort().join() === "content,status,title", "every wrong field is named", JSON.stringify(fields.data));
    const none = await failing(api.posts.nowhere.query());
    ok(none.data.code === "NOT_FOUND" && none.message === 'No procedure found on path "posts.nowhere"', "no such procedure", none.message);
    const alien = await failing(api.posts.list.query({ limit: 20n }));
    ok(alien.data.fieldErrors.limit?.[0].includes("bigint"), "a bigint is no number", JSON.stringify(alien.data));
    const foreign = await failing(api.posts.list.query({ cursor: foreignPostId }));
    const unknown = await failing(api.posts.list.query({ cursor: "3f2b8c1e-0000-4000-8000-000000000000" }));
    ok(JSON.stringify(foreign.shape) === JSON.stringify(unknown.shape), "another tenant's post is like none", JSON.stringify(foreign.shape));
  });
}

for (const name of ["httpBatchLink", "httpBatchStreamLink"]) {
  await attempt(`${name}, several at once`, async (ok) => {
    const api = client(LINKS[name], given.free);
    const [user, posts, paid, all] = await Promise.all([
      api.users.getCurrentUser.query(), api.posts.list.query({ limit: 1 }),
      failing(api.posts.list.query({ spaceId: paidSpaceId })), api.posts.list.query(),
    ]);
    ok(user.isFreeMember && posts.posts.length === 1 && all.posts.length >= 1, "each has its own answer", JSON.stringify([user, posts]));
    ok(paid instanceof TRPCClientError && paid.data.code === "FORBIDDEN", "and its own error", paid);
    const many = await Promise.all(Array.from({ length: 20 }, (_, i) => api.posts.list.query({ limit: i + 1 })));
    ok(many.every((m, i) => m.posts.length <= i + 1) && many[0].posts[0].createdAt instanceof Date, "twenty in one");
    const over = await Promise.all(Array.from({ length: 21 }, () => failing(api.users.getCurrentUser.query())));
    ok(over.every((e) => e.data?.code === "BAD_REQUEST" && e.message === "Batch call exceeds maximum size"), "twenty-one are too many", over[0]);
    const split = client(LINKS[name], given.free, given.host, { maxItems: 10 });
    const parts = await Promise.all(Array.from({ length: 21 }, () => split.users.getCurrentUser.query()));
    ok(parts.length === 21 && parts.every((u) => u.isFreeMember), "unless the client says maxItems");
  });
}

await attempt("a seed's own request, without input", async (ok) => {
  const response = await fetchAs(given.host)(`${given.base}/api/trpc/posts.list`, {
    headers: { Authorization: `Bearer ${given.free}`, "x-client-type": "mobile", "Content-Type": "application/json" },
  });
  const data = superjson.deserialize((await response.json()).result.data);
  ok(response.status === 200 && data.posts[0].createdAt instanceof Date, "posts", JSON.stringify(data).slice(0, 200));
});
await attempt("queries and mutations by a splitLink", async (ok) => {
  const options = { url: `${given.base}/api/trpc`, transformer: superjson, headers: { Authorization: `Bearer ${given.free}` }, fetch: fetchAs(given.host) };
  const api = createTRPCClient({
    links: [splitLink({ condition: (op) => op.type === "query", true: httpBatchStreamLink(options), false: httpBatchLink(options) })],
  });
  const [post, list] = await Promise.all([
    api.posts.create.mutate({ spaceId, title: "Both", content: "x", status: "DRAFT" }), api.posts.list.query({}),
  ]);
  ok(post.status === "DRAFT" && !list.posts.some((p) => p.id === post.id), "a draft is not listed", post.status);
});
