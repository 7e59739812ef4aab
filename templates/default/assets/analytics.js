// Google's tag reads its queue from the page; the measurement id stands on our own script element.
const id = document.currentScript.dataset.id;
window.dataLayer = window.dataLayer || [];
function gtag() { window.dataLayer.push(arguments); }
// A checkout's session is its buyer's alone: an address is told without it.
const plain = (url) => {
  if (!url) return url;
  const told = new URL(url);
  told.searchParams.delete("session_id");
  return told.href;
};
gtag("js", new Date());
gtag("config", id, { page_location: plain(location.href), page_referrer: plain(document.referrer) });
