// Two tenants open in a browser while their files are edited, broken and mended on disk.
import { spawn } from "node:child_process";
import fs from "node:fs";
import readline from "node:readline";
import { chromium } from "playwright-core";

const [binary, workspace, shots] = process.argv.slice(2);
const DESKTOP = { width: 1280, height: 860 }, PHONE = { width: 390, height: 844 };
let passed = 0, failed = 0;

function ok(good, what, detail = "") {
  if (good) passed++;
  else { failed++; console.log(`FAIL  ${what}\n      ${String(detail).slice(0, 600)}`); }
}

/* Whether it comes true within some seconds. */
async function soon(what, test, seconds = 5) {
  let last;
  for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
    try { if ((last = await test())) return ok(true, what); } catch (e) { last = e; }
    await new Promise((done) => setTimeout(done, 25));
  }
  ok(false, what, last);
}

const file = (path) => `${workspace}/${path}`;
const read = (path) => fs.readFileSync(file(path), "utf8");
/* As most editors save: a new file in place of the old. */
function save(path, text) {
  fs.writeFileSync(file(path) + ".new~", text);
  fs.renameSync(file(path) + ".new~", file(path));
}
function edit(path, from, to) {
  const text = read(path);
  if (!text.includes(from)) throw new Error(`${path} has no ${from}`);
  save(path, text.replace(from, to));
}

async function startServer() {
  const server = spawn(binary, ["serve", "-C", workspace, "--port", "0", "--format", "json", "--clock", "2026-06-01"],
    { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of readline.createInterface({ input: server.stdout })) {
    const said = JSON.parse(line);
    if (said.type === "listening") return { server, port: said.port };
  }
  throw new Error("the server did not come up");
}

const { server, port } = await startServer();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const address = (name, path = "/") => `http://${name}localhost:${port}${path}`;

async function open(url, options = {}) {
  const context = await browser.newContext({ viewport: DESKTOP, ...options });
  const page = await context.newPage();
  page.troubles = [];
  page.on("pageerror", (e) => page.troubles.push(e.message));
  page.on("console", (m) => { if (m.type() === "error") page.troubles.push(m.text()); });
  await page.goto(url);
  return page;
}
/* Playwright's selectors look into open shadow trees. */
const overlay = (page) => page.locator("tenantry-preview .overlay");
const bar = (page) => page.locator("tenantry-preview .bar");
/* A mark that a reload would wipe off. */
const mark = (page) => page.evaluate(() => { window.notReloaded = true; });
const marked = (page) => page.evaluate(() => window.notReloaded === true);
const style = (page, name) => page.evaluate((n) => getComputedStyle(document.documentElement).getPropertyValue(n).trim(), name);

async function checkFront() {
  const page = await open(address(""));
  await soon("a card per tenant", async () => await page.locator(".card").count() === 3);
  await soon("each was looked at", async () => await page.locator(".pill.idle").count() === 0, 15);
  await page.fill("#find", "sendcl");
  ok(await page.locator(".card:visible").count() === 1, "the search finds one");
  await page.fill("#find", "");
  await page.click(".card h2 a >> nth=0");
  ok(new URL(page.url()).hostname === "5ducks.localhost", "a card leads to its tenant", page.url());
  await page.context().close();
}

async function checkEdits(ducks, claw) {
  await soon("the bar is there", () => bar(ducks).isVisible());
  const text = await bar(ducks).innerText();
  ok(text.includes("5Ducks") && text.includes("templates/default/site/") && text.includes("content/5ducks/index.md"),
    "the bar names tenant, template and content", text);
  await mark(claw);
  edit("content/5ducks/about.md", "---\n\n", "---\n\nJust typed.\n\n");
  await ducks.goto(address("5ducks.", "/about/"));
  await soon("an edit is there", async () => (await ducks.innerText("main")).includes("Just typed."));
  await ducks.evaluate(() => scrollTo(0, 200));
  const at = await ducks.evaluate(() => scrollY);
  edit("content/5ducks/about.md", "Just typed.", "Typed once more.");
  await soon("a saved file is seen", async () => (await ducks.innerText("main")).includes("Typed once more."));
  await soon("... without losing the place", async () => Math.abs(await ducks.evaluate(() => scrollY) - at) < 2);

  await ducks.goto(address("5ducks."));
  await mark(ducks);
  const was = await style(ducks, "--primary");
  edit("tenants/5ducks/config.json", '"45 93% 47%"', '"280 60% 40%"');
  await soon("a colour is swapped", async () => await style(ducks, "--primary") !== was);
  ok(await marked(ducks), "... without a reload");
  fs.appendFileSync(file("templates/default/assets/main.css"), "\nbody { outline: 7px solid rgb(1, 2, 3) }\n");
  await soon("a style sheet is swapped", () => ducks.evaluate(() => getComputedStyle(document.body).outlineWidth === "7px"));
  ok(await marked(ducks), "... without a reload");
  edit("tenants/5ducks/config.json", '"280 60% 40%"', '"45 93% 47%"');
  edit("templates/default/assets/main.css", "\nbody { outline: 7px solid rgb(1, 2, 3) }\n", "");
  await soon("... and back", async () => await style(ducks, "--primary") === was);
  edit("tenants/5ducks/config.json", '"tagline": "Five good leads a day"', '"tagline": "Six good leads a day"');
  await soon("a changed config repaints", async () => !(await marked(ducks)));
  ok(await marked(claw), "the other tenant's page was not reloaded");
}

async function checkMistakes(ducks, claw) {
  await mark(claw);
  edit("tenants/5ducks/config.json", '"45 93% 47%"', '"45 93 47%"');
  await soon("a mistake is shown in the page", () => overlay(ducks).isVisible());
  const text = await overlay(ducks).innerText();
  for (const what of ["tenants/5ducks/config.json:", "is not an HSL triple", '"primaryColor": "45 93 47%"', "^"])
    ok(text.includes(what), `the overlay has ${what}`, text);
  ok(!(await overlay(claw).isVisible()) && await marked(claw), "the other tenant is not affected");
  await ducks.screenshot({ path: `${shots}/overlay-desktop.png` });
  await ducks.setViewportSize(PHONE);
  await ducks.screenshot({ path: `${shots}/overlay-phone.png` });
  await ducks.setViewportSize(DESKTOP);
  await ducks.locator("tenantry-preview .dismiss").click();
  ok(!(await overlay(ducks).isVisible()) && await ducks.locator("h1").isVisible(), "the last good page can be reached");
  await ducks.locator("tenantry-preview .count").click();
  await soon("... and the messages again", () => overlay(ducks).isVisible());
  await ducks.reload();
  await soon("a reload shows both", () => overlay(ducks).isVisible());
  edit("content/5ducks/posts/" + fs.readdirSync(file("content/5ducks/posts")).sort()[0], "title:", "titel:");
  edit("tenants/5ducks/config.json", '"45 93 47%"', '"45 93% 47%"');
  await soon("one mended, the next is shown", async () => (await overlay(ducks).innerText()).includes("content/5ducks/posts/"));
  edit("content/5ducks/posts/" + fs.readdirSync(file("content/5ducks/posts")).sort()[0], "titel:", "title:");
  await soon("all mended, the overlay goes by itself", async () => await overlay(ducks).count() === 0);
}

async function checkMarks(ducks) {
  save("content/5ducks/posts/not-yet.md", "---\ntitle: Not yet\ndate: 2026-02-02\ndraft: true\n---\n\nUnfinished.\n");
  await soon("a new post is there", () => ducks.evaluate(async () => (await fetch("/blog/not-yet/")).ok));
  ducks.troubles = ducks.troubles.filter((t) => !t.includes("404"));
  await ducks.goto(address("5ducks.", "/blog/not-yet/"));
  await soon("a draft is marked", () => bar(ducks).locator(".mark.draft").isVisible());
  await ducks.screenshot({ path: `${shots}/draft-desktop.png` });
  await ducks.locator("tenantry-preview [data-do=hide]").click();
  ok(await bar(ducks).locator(".mark.draft").isVisible() && !(await bar(ducks).locator(".who").isVisible()),
    "the bar goes, the mark stays");
  await ducks.goto(address("5ducks."));
  await ducks.waitForTimeout(300);
  ok(await bar(ducks).count() === 0, "... and the bar stays away");
  await ducks.evaluate(() => sessionStorage.clear());
  await ducks.reload();
  await bar(ducks).locator("a.tool").click();
  await ducks.waitForURL("**/.tenantry/view**");
  const inner = ducks.frameLocator("#frame");
  ok(await inner.locator("h1").isVisible() && await ducks.evaluate(() => document.getElementById("frame").contentWindow.innerWidth) === 390,
    "the other width shows the page as on a phone");
  await ducks.screenshot({ path: `${shots}/view-desktop.png` });
  await ducks.click(".close");
  ok(ducks.url() === address("5ducks."), "... and leads back", ducks.url());
}

async function checkNewTenant() {
  const page = await open(address(""));
  await page.waitForSelector(".card");
  fs.mkdirSync(file("tenants/nova"));
  save("tenants/nova/config.json", read("tenants/sendclaw/config.json").replaceAll("sendclaw", "nova").replaceAll("SendClaw", "Nova"));
  await soon("a new tenant appears by itself", () => page.locator(".card", { hasText: "Nova" }).isVisible());
  fs.rmSync(file("tenants/nova"), { recursive: true });
  await soon("... and goes by itself", async () => await page.locator(".card", { hasText: "Nova" }).count() === 0);
  await page.context().close();
}

async function checkReconnect(claw) {
  await claw.evaluate(() => { Object.defineProperty(document, "hidden", { value: true, configurable: true }); document.dispatchEvent(new Event("visibilitychange")); });
  edit("tenants/sendclaw/config.json", '"tagline": "', '"tagline": "New: ');
  await claw.waitForTimeout(300);
  await mark(claw);
  await claw.evaluate(() => { delete document.hidden; document.dispatchEvent(new Event("visibilitychange")); });
  await soon("a tab that comes back to the front catches up", async () => !(await marked(claw)));
}

async function takeShots() {
  for (const colorScheme of ["light", "dark"])
    for (const [size, viewport] of [["desktop", DESKTOP], ["phone", PHONE]]) {
      const page = await open(address(""), { viewport, colorScheme });
      await soon("cards for the picture", async () => await page.locator(".pill.idle").count() === 0, 15);
      await page.screenshot({ path: `${shots}/front-${size}-${colorScheme}.png` });
      for (const id of ["5ducks", "tidewater"]) {
        await page.goto(address(id + "."));
        await soon("a bar for the picture", () => bar(page).isVisible());
        await page.screenshot({ path: `${shots}/${id}-${size}-${colorScheme}.png` });
      }
      await page.context().close();
    }
}

try {
  await takeShots();
  await checkFront();
  const ducks = await open(address("5ducks.")), claw = await open(address("sendclaw."));
  await checkEdits(ducks, claw);
  await checkMistakes(ducks, claw);
  await checkMarks(ducks);
  await checkNewTenant();
  await checkReconnect(claw);
  ok(!ducks.troubles.length && !claw.troubles.length, "the pages' consoles are empty", [...ducks.troubles, ...claw.troubles].join("\n"));
} catch (e) {
  ok(false, "the run came to its end", e.stack);
}
await browser.close();
server.kill("SIGTERM");
ok(await new Promise((done) => { server.exitCode !== null ? done(server.exitCode) : server.on("exit", done); }) === 0, "the server ends well");
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
