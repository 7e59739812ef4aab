// From the pricing page over the payment page (a stand-in for Stripe's) to the page after paying, over TLS, with the site's
// own policy of what a form may lead to.
import { chromium } from "playwright-core";

const [tls, standin, shots] = process.argv.slice(2);
let passed = 0, failed = 0;
const SITE = "https://fiveducks.ai", PAY = "https://checkout.stripe.com/c/pay/";

function ok(good, what, detail = "") {
  if (good) passed++;
  else { failed++; console.log(`FAIL  ${what}\n      ${String(detail).slice(0, 600)}`); }
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--ignore-certificate-errors",
    `--host-resolver-rules=MAP fiveducks.ai:443 127.0.0.1:${tls},MAP checkout.stripe.com:443 127.0.0.1:${tls},MAP * ~NOTFOUND,EXCLUDE 127.0.0.1`],
});
const told = async (what) => (await fetch(`${standin}/_${what}`)).json();

async function visit(javaScriptEnabled = true) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, javaScriptEnabled, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.troubles = [];
  page.on("pageerror", (e) => page.troubles.push(e.message));
  page.on("console", (m) => { if (m.type() === "error") page.troubles.push(m.text()); });
  await page.goto(`${SITE}/pricing/`);
  return page;
}
const choose = (page) => page.locator("#plan-duckling button");

async function buys(scripts) {
  const how = scripts ? "with a script" : "without a script", page = await visit(scripts);
  ok(await page.locator(".notice:visible").count() === 0, `${how}: no notice on the pricing page`);
  await choose(page).click();
  await page.waitForURL(`${PAY}**`);
  ok((await page.textContent("body")).includes("duckling"), `${how}: the button leads to the payment page of that plan`);
  await page.getByRole("button", { name: "Pay" }).click();
  await page.waitForURL(`${SITE}/subscription-success/?session_id=cs_**`);
  ok((await page.textContent("main")).includes("Thank you"), `${how}: paying leads to the page that says thanks`);
  if (scripts) {
    await page.locator('[data-outcome="active"]').waitFor({ state: "visible", timeout: 10000 }).catch(() => {});
    ok(await page.locator('[data-outcome="active"]').isVisible(), "which soon says that the subscription is active", await page.textContent("main"));
    ok(await page.locator('details[data-plan="duckling"][open]').count() === 1, "and shows what the plan includes");
    const session = new URL(page.url()).searchParams.get("session_id"), on = new URL(await page.locator("a[data-claim]").getAttribute("href"), page.url());
    ok(on.origin === SITE && on.searchParams.get("session_id") === session, "and takes the checkout along to where one signs up", on.href);
    await page.screenshot({ path: `${shots}/checkout-success.png`, fullPage: true });
  } else
    ok(await page.locator('[data-outcome="waiting"]').isVisible(), "which can be read as it is");
  ok(!page.troubles.length, `${how}: nothing is refused by the site's policy`, page.troubles.join("\n"));
  await page.context().close();
}

async function comesBack(scripts) {
  const page = await visit(scripts);
  await choose(page).click();
  await page.waitForURL(`${PAY}**`);
  await page.getByRole("link", { name: "Back" }).click();
  await page.waitForURL(`${SITE}/pricing/#checkout-canceled`);
  ok(await page.locator("#checkout-canceled").isVisible(), `scripts ${scripts}: who comes back is told that nothing was charged`);
  await page.screenshot({ path: `${shots}/checkout-canceled.png` });
  await told("order?500,500,500,500");
  await choose(page).click();
  await page.waitForURL(`${SITE}/pricing/#checkout-failed`);
  ok(await page.locator("#checkout-failed").isVisible(), `scripts ${scripts}: what fails is said on the page`);
  ok(!await page.locator("#checkout-canceled").isVisible(), "and only that");
  await page.context().close();
}

/* Chromium keeps the second submission of a double click to itself; others send both. */
async function doubleClick() {
  const before = (await told("count")).sessions, page = await visit();
  await page.evaluate(() => {
    const form = document.querySelector("#plan-duckling form");
    const send = () => fetch(form.action, { method: "post", redirect: "manual", body: new URLSearchParams(new FormData(form)) });
    return Promise.all([send(), send()]).then(() => true);
  });
  const { sessions } = await told("count");
  ok(sessions === before + 1, "a form that is sent twice makes one checkout", `${before} -> ${sessions}`);
  await page.context().close();
}

async function notPaid() {
  const page = await visit();
  await choose(page).click();
  await page.waitForURL(`${PAY}**`);
  const session = page.url().slice(PAY.length);
  await page.goto(`${SITE}/subscription-success/?session_id=${session}`);
  await page.locator('[data-outcome="open"]').waitFor({ state: "visible", timeout: 10000 }).catch(() => {});
  ok(await page.locator('[data-outcome="open"]').isVisible(), "who opens that page without paying is not thanked");
  await page.context().close();
}

try {
  for (const part of [() => buys(true), () => buys(false), () => comesBack(true), () => comesBack(false), doubleClick, notPaid])
    await part();
} catch (e) {
  ok(false, "the path goes on", e.stack);
} finally {
  await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
