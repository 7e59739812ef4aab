// jwt.mjs FOLDER COUNT USER [PREFIX]: writes FOLDER/jwks.json, then one line of JSON for each token: what it is, whether it must be
// taken (null: as jose says), the token, and whether jose takes it.  Keys and mutations are new each time; kids begin with PREFIX.
import { writeFileSync } from "node:fs";
import { createHmac, generateKeyPairSync, randomInt, createPublicKey, sign as cryptoSign } from "node:crypto";
import { createLocalJWKSet, jwtVerify, SignJWT } from "jose";

const [folder, count, user] = [process.argv[2], Number(process.argv[3]), process.argv[4]];
const prefix = process.argv[5] ?? "";
const now = Math.floor(Date.now() / 1000);
const SECRET = new TextEncoder().encode("a secret of the tests, and it is long enough");
const make = {
  rs: [generateKeyPairSync("rsa", { modulusLength: 2048 }), "RS256"],
  es: [generateKeyPairSync("ec", { namedCurve: "P-256" }), "ES256"],
  ed: [generateKeyPairSync("ed25519"), "EdDSA"],
};
const evil = generateKeyPairSync("ec", { namedCurve: "P-256" });
const keys = {};
const jwks = { keys: [] };
for (const [name, [pair, alg]] of Object.entries(make)) {
  const kid = prefix + name;
  keys[name] = { kid, alg, key: pair.privateKey, pub: pair.publicKey };
  jwks.keys.push({ ...pair.publicKey.export({ format: "jwk" }), kid, alg, use: "sig" });
}
keys.hs = { kid: "hs", alg: "HS256", key: SECRET };
jwks.keys.push({ kty: "RSA", n: "AQAB", e: "AQAB", kid: "tiny" }, { kty: "oct", k: "c2VjcmV0", kid: "oct" });
writeFileSync(`${folder}/jwks.json`, JSON.stringify(jwks));

const local = createLocalJWKSet({ keys: jwks.keys.slice(0, 3) });
const choose = (header, token) => (header.kid === "hs" ? SECRET : local(header, token));
const options = { issuer: "https://id.example", audience: "tenantry", requiredClaims: ["exp", "sub"], algorithms: ["HS256", "RS256", "ES256", "EdDSA"] };
async function jose(token) {
  try {
    await jwtVerify(token, choose, options);
    return true;
  } catch {
    return false;
  }
}

const pick = (list) => list[randomInt(list.length)];
const b64 = (x) => Buffer.from(typeof x === "string" || x instanceof Uint8Array ? x : JSON.stringify(x)).toString("base64url");
const good = (more = {}) => ({ sub: user, iss: "https://id.example", aud: ["tenantry"], tenant_id: "5ducks", iat: now - 10, exp: now + 3600, ...more });
const any = () => pick(Object.values(keys));

function signature(k, text) {
  if (k.alg === "HS256") return createHmac("sha256", k.key).update(text).digest();
  if (k.alg === "ES256") return cryptoSign("sha256", Buffer.from(text), { key: k.key, dsaEncoding: "ieee-p1363" });
  return cryptoSign(k.alg === "RS256" ? "sha256" : null, Buffer.from(text), k.key);
}
// Parts are texts (taken as they are) or values (made JSON).
function token(k, header, payload) {
  const text = `${b64(header)}.${b64(payload)}`;
  return `${text}.${b64(signature(k, text))}`;
}
const usual = (k, more = {}) => ({ alg: k.alg, kid: k.kid, ...more });
const other = (k) => pick(Object.values(keys).filter((x) => x !== k));
const body = (payload) => (k = any()) => token(k, usual(k), payload());
const head = (header) => () => {
  const k = any();
  return token(k, header(k), good());
};
const change = (f) => () => {
  const k = any();
  return f(token(k, usual(k), good()), k);
};
const splice = (t, i, n, s) => t.slice(0, i) + s + t.slice(i + n);
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const raw = (text) => `{${text}${JSON.stringify(good()).slice(1)}`;

// [what, must it be taken (null: only if jose does), how]
const kinds = [
  ["good", true, body(() => good())],
  ["good, for the host", true, body(() => good({ tenant_id: undefined, aud: ["tenantry", "fiveducks.ai"] }))],
  ["good, of jose's making", true, async () => {
    const k = any();
    return new SignJWT(good()).setProtectedHeader(usual(k, { typ: "JWT" })).sign(k.key);
  }],
  ["a letter changed", null, change((t) => splice(t, randomInt(t.length), 1, pick([...alphabet, ".", "=", "+", "/", " ", "\u00e9"].filter((c) => c < "\u0080"))))],
  ["a letter more", false, change((t) => splice(t, randomInt(t.length + 1), 0, pick([...alphabet])))],
  ["a letter less", false, change((t) => splice(t, randomInt(t.length), 1, ""))],
  ["cut", false, change((t) => t.slice(0, randomInt(t.length)))],
  ["the last bits", null, change((t) => splice(t, t.length - 1, 1, pick([...alphabet])))],
  ["alg none", false, change((t) => `${b64({ alg: pick(["none", "None", "NONE", "nOnE", ""]), kid: pick(["rs", "hs", undefined]) })}.${t.split(".")[1]}.${pick(["", t.split(".")[2]])}`)],
  ["no signature", false, change((t) => t.replace(/[^.]*$/, ""))],
  ["the public key as a secret", false, () => {
    const k = keys[pick(["rs", "es", "ed"])];
    const secret = pick([k.pub.export({ format: "pem", type: "spki" }), JSON.stringify(k.pub.export({ format: "jwk" })),
      k.pub.export({ format: "der", type: "spki" }), k.pub.export({ format: "jwk" }).n ?? k.pub.export({ format: "jwk" }).x]);
    return token({ alg: "HS256", key: secret }, { alg: pick(["HS256", k.alg]), kid: pick([k.kid, "hs", undefined]) }, good());
  }],
  ["another alg", false, head((k) => usual(k, { alg: pick(["HS256", "HS384", "HS512", "RS256", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519", "RSA-OAEP", "dir", "rs256", "constructor"].filter((a) => a !== k.alg && !(a === "Ed25519" && k.kid === "ed"))) }))],
  ["another kid", false, head((k) => usual(k, { kid: other(k).kid }))],
  ["a strange kid", false, head((k) => usual(k, { kid: pick(["", "../../dev/null", "' or '1'='1", "hs\u0000", "HS", " hs", "tiny", "oct", "__proto__", "x".repeat(5000)]) }))],
  ["a kid that is no text", false, head((k) => usual(k, { kid: pick([0, 1, null, true, ["hs"], { hs: 1 }, [k.kid]]) }))],
  ["no kid", false, head((k) => ({ alg: k.alg }))],
  ["a key of one's own", false, () => token({ alg: "ES256", key: evil.privateKey },
    { alg: "ES256", kid: pick(["es", "evil", undefined]), jwk: createPublicKey(evil.privateKey).export({ format: "jwk" }), jku: "https://evil.example/jwks.json", x5u: "https://evil.example/x" }, good())],
  ["crit", false, head((k) => usual(k, pick([{ crit: ["exp"] }, { crit: [] }, { crit: ["b64"], b64: false }, { crit: ["x"], x: 1 }, { crit: "exp" }, { crit: null }])))],
  ["claims twice", false, body(() => raw(pick([`"sub":"${user}",`, '"exp":1,', '"tenant_id":"sendclaw",', '"aud":"x",', '"iss":"https://evil.example",'])))],
  ["headers twice", false, head((k) => `{"alg":"none",${JSON.stringify(usual(k)).slice(1)}`)],
  ["expired", false, body(() => good({ exp: now - pick([1, 2, 60, 1e6, now]) }))],
  ["for long", true, body(() => good({ exp: now + pick([30, 1e5, 1e8]) }))],
  ["no exp", false, body(() => good({ exp: undefined }))],
  ["a strange exp", false, body(() => good({ exp: pick(["9999999999", null, true, [now + 100], -1, {}, 1e20]) }))],
  ["early", false, body(() => good({ nbf: now + pick([30, 60, 1e6]) }))],
  ["no longer early", true, body(() => good({ nbf: now - pick([0, 1, 1e6]) }))],
  ["a strange nbf", false, body(() => good({ nbf: pick(["0", null, [], {}, true]) }))],
  ["made tomorrow", false, body(() => good({ iat: now + pick([30, 3600, 1e6]) }))],
  ["another issuer", false, body(() => good({ iss: pick(["https://id.example/", "https://ID.example", "", undefined, null, 5, ["https://id.example"]]) }))],
  ["another audience", false, body(() => good({ aud: pick(["tenantry2", "", undefined, [], [["tenantry"]], { tenantry: 1 }, ["Tenantry"], 5]) }))],
  ["another tenant", false, body(() => good({ tenant_id: pick(["sendclaw", "", null, 0, ["5ducks"], "5DUCKS", "5ducks ", "00000000-0000-4000-8000-000000000000"]) }))],
  ["no tenant", false, body(() => good({ tenant_id: undefined }))],
  ["no user", false, body(() => good({ sub: pick([undefined, "", "admin", 5, null, user + " ", [user]]) }))],
  ["odd base64", false, change((t) => {
    const parts = t.split("."), i = randomInt(3);
    parts[i] = pick([(p) => p + "=", (p) => p + "==", (p) => p + "\n", (p) => " " + p, (p) => p + "A", (p) => p.slice(0, 5) + "\n" + p.slice(5), (p) => p.slice(0, 3) + "%" + p.slice(3)])(parts[i]);
    return parts.join(".");
  })],
  ["parts", false, change((t) => pick([t + ".", t + ".x", "." + t, t.split(".").slice(0, 2).join("."), t.split(".")[0], "..", ".", "", t.replace(".", ".."), t + "." + t.split(".")[2] + ".x"]))],
  ["no object", false, () => {
    const k = any();
    return token(k, pick([usual(k), [usual(k)]]), pick(["[]", "null", "5", '"x"', "", "{", '{"sub":', JSON.stringify(good()) + "x", "\ufeff" + JSON.stringify(good())]));
  }],
  ["not UTF-8", false, () => {
    const k = any();
    return token(k, usual(k), Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xff, 0xfe]), Buffer.from(`",${JSON.stringify(good()).slice(1)}`)]));
  }],
  ["another typ", false, head((k) => usual(k, { typ: pick(["logout+jwt", "dpop+jwt", "JWE", "", 5, null]) }))],
  ["numbers for a signature", false, () => {
    const text = `${b64(usual(keys.es))}.${b64(good())}`, whole = signature(keys.es, text);
    const zero = Buffer.alloc(64), ones = Buffer.alloc(64, 255), half = Buffer.concat([whole.subarray(0, 32), Buffer.alloc(32)]);
    const der = cryptoSign("sha256", Buffer.from(text), { key: keys.es.key, dsaEncoding: "der" });
    return `${text}.${b64(pick([zero, ones, half, der, whole.subarray(0, 63), Buffer.concat([whole, Buffer.alloc(1)]), Buffer.concat([Buffer.alloc(1), whole])]))}`;
  }],
  ["a signature of another token", false, change((t, k) => {
    const parts = t.split(".");
    return `${parts[0]}.${b64(good({ sub: user, x: randomInt(1e9) }))}.${parts[2]}`;
  })],
];
const lines = [];
for (let i = 0; i < count; i++) {
  const [what, want, how] = kinds[i % kinds.length];
  const text = await how();
  lines.push(JSON.stringify({ what, want, token: text, jose: await jose(text) }));
}
console.log(lines.join("\n"));
