// superjson.mjs PROGRAM COUNT: random values, written by the real superjson, read and written again by PROGRAM,
// read by the real one.  Prints "COUNT same" or what differs.
import { spawnSync } from "node:child_process";
import { isDeepStrictEqual } from "node:util";
import superjson from "superjson";

const [program, count] = [process.argv[2], Number(process.argv[3])];
let seed = 20260101;
const random = (n) => {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return (seed >>> 8) % n;
};
const keys = ["a", "b.c", "d\\", "\\.", "..", "", "e\\\\f.g", "0", "1", "ü", "\u2028", '"', "json", "meta", "values"];
const leaves = [
  () => random(2000) - 1000, () => random(1e6) / 128, () => "text " + keys[random(keys.length)], () => true, () => null,
  () => undefined, () => new Date(random(2 ** 24) * 100000), () => BigInt(random(1e6)) ** 7n, () => NaN, () => -Infinity,
  () => -0, () => /a\.b\\/gi, () => new URL("https://example.com/a.b?c=" + random(9)), () => "\u0001\u{1F986}",
];
function value(depth) {
  const kind = depth ? random(9) : 8;
  const many = (make) => Array.from({ length: random(4) }, make);
  if (kind < 2) return many(() => value(depth - 1));
  if (kind < 6) return Object.fromEntries(many(() => [keys[random(keys.length)], value(depth - 1)]));
  if (kind === 6) return new Set(many(() => value(depth - 1)));
  if (kind === 7) return new Map(many(() => [keys[random(keys.length)], value(depth - 1)]));
  return leaves[random(leaves.length)]();
}
// What is undefined is not there, and null in a list.
function plain(v) {
  const all = (list) => [...list].map((x) => (x === undefined ? null : plain(x)));
  if (Array.isArray(v)) return all(v);
  if (v instanceof Set) return new Set(all(v));
  if (v instanceof Map) return new Map([...v].map((pair) => all(pair)));
  if (v && Object.getPrototypeOf(v) === Object.prototype)
    return Object.fromEntries(Object.entries(v).filter(([, x]) => x !== undefined).map(([k, x]) => [k, plain(x)]));
  return v;
}

const values = Array.from({ length: count }, () => value(5));
const p = spawnSync(program, ["echo"], { input: values.map((v) => superjson.stringify(v) + "\n").join(""), maxBuffer: 1e9 });
const lines = p.stdout.toString().split("\n");
let same = 0;
values.forEach((v, i) => {
  const want = plain(v) ?? null;
  let got;
  try { got = superjson.parse(lines[i]); } catch (e) { got = e; }
  if (isDeepStrictEqual(got, want)) return same++;
  if (i - same < 3) console.log("differs:", superjson.stringify(v).slice(0, 400), "became", lines[i].slice(0, 400));
});
console.log(`${same} same`);
