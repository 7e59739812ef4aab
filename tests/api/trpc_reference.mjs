// trpc_reference.mjs: procedures of the same names by the real @trpc/server, to compare formats with.
// Prints its port, and ends with its standard input.
import { initTRPC, TRPCError } from "@trpc/server";
import { createHTTPServer } from "@trpc/server/adapters/standalone";
import superjson from "superjson";

// Debian 12 has a Node whose Headers lack it; no answer here has a cookie.
Headers.prototype.getSetCookie ??= () => [];

const t = initTRPC.create({ transformer: superjson, isDev: false });
const signedIn = t.procedure.use(() => {
  throw new TRPCError({ code: "UNAUTHORIZED", message: "sign in first" });
});
const anything = (v) => v;
const at = new Date("2026-01-02T03:04:05.678Z");
const router = t.router({
  posts: t.router({
    list: t.procedure.input(anything).query(() => ({ posts: [{ createdAt: at }], nextCursor: undefined })),
    create: signedIn.input(anything).mutation(() => ({ id: "1" })),
  }),
  members: t.router({ list: signedIn.input(anything).query(() => []), get: signedIn.input(anything).query(() => 1) }),
  users: t.router({ getCurrentUser: signedIn.query(() => 1) }),
});
const server = createHTTPServer({ router, basePath: "/api/trpc/", maxBatchSize: 20 });
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
