// Google's tag reads its queue from the page; the measurement id stands on our own script element.
const id = document.currentScript.dataset.id;
window.dataLayer = window.dataLayer || [];
function gtag() { window.dataLayer.push(arguments); }
gtag("js", new Date());
gtag("config", id);
