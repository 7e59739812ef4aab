"use strict";
const cards = document.getElementById("cards");
const find = document.getElementById("find");

function filter() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const card of cards.querySelectorAll(".card"))
    card.hidden = !words.every((w) => card.dataset.find.toLowerCase().includes(w));
}

async function refresh() {
  const answer = await fetch("/.tenantry/cards");
  if (!answer.ok) return;
  cards.innerHTML = await answer.text();
  filter();
}

let busy = false, due = false;
async function update() {
  due = true;
  if (busy) return;
  busy = true;
  while (due) {
    due = false;
    await refresh().catch(() => {});
  }
  busy = false;
}

find.addEventListener("input", filter);
document.addEventListener("keydown", (e) => {
  if (e.key === "/" && document.activeElement !== find) {
    e.preventDefault();
    find.focus();
  }
});

let events = null, first = true;
function connect() {
  events = new EventSource("/.tenantry/events?front=1");
  events.addEventListener("hello", () => { if (!first) update(); first = false; });
  events.addEventListener("front", update);
}
/* A browser has six connections for one host: tabs that nobody sees hold none. */
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { if (events) events.close(); events = null; }
  else if (!events) connect();
});
connect();
filter();
