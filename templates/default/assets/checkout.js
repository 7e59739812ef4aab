// On the pricing page: a mark on each form, so that a double click makes one checkout.
function mark() {
  for (const form of document.querySelectorAll("form[data-checkout]")) {
    let field = form.elements.namedItem("attempt");
    if (!field) {
      field = document.createElement("input");
      field.type = "hidden";
      field.name = "attempt";
      form.append(field);
    }
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    field.value = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  }
}
mark();
// Whoever comes back from the payment page wishes anew.
addEventListener("pageshow", (e) => { if (e.persisted) mark(); });

// On the page after paying: what became of it.  Without an answer the page stays as it was written.
const page = document.querySelector("[data-outcomes]");
const session = new URLSearchParams(location.search).get("session_id");

function show(name) {
  for (const each of page.querySelectorAll("[data-outcome]")) each.hidden = each.dataset.outcome !== name;
}

// Who was not signed in when they paid takes the checkout along to where they sign up, and claims it there.
function take() {
  for (const link of page.parentElement.querySelectorAll("a[data-claim]")) {
    const to = new URL(link.href);
    if (to.origin !== location.origin) continue;
    to.searchParams.set("session_id", session);
    link.href = to.href;
  }
}

async function look(tries) {
  const answer = await fetch("/api/stripe/checkout-session?session_id=" + encodeURIComponent(session), { cache: "no-store" });
  if (!answer.ok) return;
  const outcome = await answer.json();
  const plan = document.querySelector(`details[data-plan="${CSS.escape(outcome.planId)}"]`);
  if (plan) plan.open = true;
  if (outcome.claimable) take();
  if (outcome.active) show("active");
  else if (outcome.status !== "complete") show("open");
  else if (tries > 1) setTimeout(() => look(tries - 1).catch(() => {}), 1500);
}

if (page && session) look(20).catch(() => {});
