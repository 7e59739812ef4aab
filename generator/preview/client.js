"use strict";
(() => {
  const script = document.currentScript;
  const info = JSON.parse(script.dataset.tenantry);
  const framed = window.parent !== window;
  /* The tenant is named for where it is not in the host's name. */
  const page = `tenant=${info.tenant}&path=${encodeURIComponent(location.pathname)}`;
  const SCROLL = "tenantry-scroll", HIDDEN = "tenantry-hidden";
  let version = info.version;
  let dismissed = false, asked = false;

  /* ---- our corner of the page: a shadow tree, which its styles do not reach ---- */

  const host = document.createElement("tenantry-preview");
  const root = host.attachShadow({ mode: "open" });
  const bar = document.createElement("div"), overlay = document.createElement("div");
  root.append(bar, overlay);

  async function text(path) {
    const answer = await fetch(path, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    return answer.text();
  }

  async function showBar() {
    if (framed || !info.bar) return;
    bar.innerHTML = await text("/.tenantry/bar?" + page);
    if (sessionStorage.getItem(HIDDEN)) hideBar();
  }

  /* That a page is a draft stays to be seen. */
  function hideBar() {
    if (!bar.querySelector(".mark")) return bar.replaceChildren();
    bar.firstElementChild.classList.add("slim");
  }

  async function showProblems(errors) {
    if (!errors) { dismissed = false; if (!asked) overlay.replaceChildren(); }
    if ((errors && !dismissed) || asked) overlay.innerHTML = await text("/.tenantry/problems?" + page);
  }

  root.addEventListener("click", (e) => {
    const button = e.target.closest("[data-do]");
    if (!button) return;
    if (button.dataset.do === "hide") { sessionStorage.setItem(HIDDEN, "1"); hideBar(); }
    if (button.dataset.do === "problems") { asked = true; showProblems(1); }
    if (button.dataset.do === "dismiss") dismiss();
  });
  function dismiss() { dismissed = true; asked = false; overlay.replaceChildren(); }
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape" && overlay.querySelector(".dismiss")) dismiss();
  });

  async function start() {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(await text("/.tenantry/client.css"));
    root.adoptedStyleSheets = [sheet];
    document.documentElement.append(host);
    await Promise.all([showBar(), showProblems(info.errors)]);
  }

  /* ---- changes ---- */

  function reload() {
    sessionStorage.setItem(SCROLL, JSON.stringify([location.pathname, scrollX, scrollY]));
    location.reload();
  }

  function restoreScroll() {
    const kept = JSON.parse(sessionStorage.getItem(SCROLL) || "null");
    sessionStorage.removeItem(SCROLL);
    if (kept && kept[0] === location.pathname)
      scrollTo({ left: kept[1], top: kept[2], behavior: "instant" });
  }

  /* Rule by rule: the page's own policy forbids style elements that it does not know. */
  function replaceRules(element, css) {
    const fresh = new CSSStyleSheet(), sheet = element.sheet;
    fresh.replaceSync(css);
    while (sheet.cssRules.length) sheet.deleteRule(0);
    for (const rule of fresh.cssRules) sheet.insertRule(rule.cssText, sheet.cssRules.length);
  }

  function replaceLink(old, fresh) {
    if (old.href === new URL(fresh.getAttribute("href"), location.href).href) return;
    const link = old.cloneNode();
    link.href = fresh.getAttribute("href");
    link.addEventListener("load", () => old.remove());
    link.addEventListener("error", reload);
    old.after(link);
  }

  async function restyle() {
    /* xmp is the other element whose text is taken as it is: a style element that the page's
     * policy does not know would be complained about even here. */
    const html = (await text(location.href)).replace(/<(\/?)style\b/gi, "<$1xmp");
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const pairs = (what, swap, other = what) => {
      const was = document.querySelectorAll(what), now = fresh.querySelectorAll(other);
      if (was.length !== now.length) return reload();
      was.forEach((element, i) => swap(element, now[i]));
    };
    pairs("style", (was, now) => replaceRules(was, now.textContent), "xmp");
    pairs('link[rel="stylesheet"]', replaceLink);
    pairs('meta[name="theme-color"]', (was, now) => { was.content = now.content; });
  }

  async function onChange(change) {
    version = change.version;
    if (change.kind === "reload") return reload();
    if (change.kind === "style") await restyle().catch(reload);
    await Promise.all([showBar(), showProblems(change.errors)]);
    document.documentElement.dataset.tenantry = String(version);
  }

  let events = null;
  function connect() {
    events = new EventSource("/.tenantry/events?" + page);
    /* After a pause or a restart: did we miss something? */
    events.addEventListener("hello", (e) => {
      const now = JSON.parse(e.data);
      if (now.version !== version) reload();
    });
    events.addEventListener("change", (e) => onChange(JSON.parse(e.data)));
  }
  /* A browser has six connections for one host: tabs that nobody sees hold none. */
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { if (events) events.close(); events = null; }
    else if (!events) connect();
  });

  connect();
  start();
  if (document.readyState === "complete") restoreScroll();
  else addEventListener("load", restoreScroll);
})();
