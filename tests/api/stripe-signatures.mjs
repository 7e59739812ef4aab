// stripe-signatures.mjs N: N mutated Stripe-Signature headers as JSON lines, each with what the package `stripe` says of it.
import Stripe from "stripe";

const count = Number(process.argv[2]);
let seed = 20260601;
const random = n => (seed = (seed * 1103515245 + 12345) % 2147483648, Math.floor(seed / 2147483648 * n));
const pick = list => list[random(list.length)];
const NOW = 1780000000, SECRETS = ["whsec_one", "whsec_two", "whsec_" + "x".repeat(100)];
const BODIES = ['{"id":"evt_1","object":"event","type":"x"}', '{"id":"evt_2","object":"event","type":"ü","data":{"object":{}}}',
    '{ "id": "evt_3",\n "object": "event" }', '{"object":"event","a":"' + "b".repeat(3000) + '"}'];
const stripe = new Stripe("sk_test_x");

function sign(body, secret, timestamp, scheme = "v1") {
    return stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp, scheme });
}

function item(header, n) {
    return header.split(",")[n];
}

function given(body, secret) {
    const at = NOW - pick([0, 0, 0, 1, 10, 299, 300, 300, 301, 302, 5000, -1, -299, -300, -301, -5000]);
    const good = sign(body, secret, at), other = sign(body, "whsec_gone", at), old = sign(body, secret, at, "v0");
    return pick([
        () => good, () => good, () => good, () => other, () => old,
        () => `${good},${item(other, 1)}`, () => `${item(good, 0)},${item(other, 1)},${item(good, 1)}`,
        () => `${item(good, 1)},${item(good, 0)}`, () => `${good},${item(old, 1)}`, () => `t=${at - 1},${good}`,
        () => `${good},t=${at + 1}`, () => `${good},t=`, () => `${good},v1=`, () => `${good},v1`, () => `,${good},`,
        () => `t=0${at},${item(good, 1)}`, () => `t= ${at},${item(good, 1)}`, () => `t=${at}s,${item(good, 1)}`,
        () => `t=${at}.9,${item(good, 1)}`, () => `t=+${at},${item(good, 1)}`, () => `t=${at}=1,${item(good, 1)}=1`,
        () => good.toUpperCase(), () => item(good, 0), () => item(good, 1), () => "", () => `${good},${good}`,
        () => sign(body, secret, -1), () => sign(body, secret, -7), () => sign(body, secret, 0), () => sign(body, secret, 99999999999),
    ])();
}

function mutate(text) {
    const at = random(text.length + 1), letters = ",=tv01289 abcdefABCDEFx;\t\"+-.";
    return pick([
        () => text, () => text, () => text,
        () => text.slice(0, at) + pick(letters) + text.slice(at),
        () => text.slice(0, at) + text.slice(at + 1),
        () => text.slice(0, at) + pick(letters) + text.slice(at + 1),
        () => text.slice(0, at), () => text.slice(at), () => text + pick(letters), () => pick(letters) + text,
        () => text.split(",").reverse().join(","), () => text.replace(",", ", "), () => text.replaceAll("=", " = "),
        () => text.replace("v1", "v2"), () => text.replace("v1", "V1"), () => text + "," + text.slice(at),
    ])();
}

for (let i = 0; i < count; i++) {
    const body = pick(BODIES), secrets = pick([SECRETS, [SECRETS[0]], [SECRETS[1], SECRETS[2]]]);
    const header = mutate(given(body, pick(SECRETS)));
    const sent = random(12) ? body : pick([body + " ", body.replace('"', " \""), body.toUpperCase(), JSON.stringify(JSON.parse(body), null, 1)]);
    let good = false, why = "";
    for (const secret of secrets)
        try {
            stripe.webhooks.constructEvent(sent, header, secret, 300, undefined, NOW * 1000);
            good = true;
        } catch (e) {
            why = e.message.split("\n")[0];
            good ||= e instanceof SyntaxError; // signed; that it is no JSON is seen later
        }
    console.log(JSON.stringify({ header, body: sent, secrets: secrets.join(","), now: NOW, good, why: good ? "" : why }));
}
