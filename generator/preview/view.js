"use strict";
const frame = document.getElementById("frame");
const MARGIN = 24, TALLEST = 900;
let width = innerWidth < 700 ? 1280 : 390;

/* A width that the window has no room for is shown smaller. */
function lay() {
  const room = frame.parentElement;
  const scale = Math.min(1, (room.clientWidth - 2 * MARGIN) / width);
  const height = Math.min(room.clientHeight - 2 * MARGIN, width < 700 ? 844 : TALLEST);
  frame.style.width = width + "px";
  frame.style.height = Math.max(300, height) / scale + "px";
  frame.style.transform = `scale(${scale}) translateX(-50%)`;
  for (const button of document.querySelectorAll("[data-width]"))
    button.setAttribute("aria-pressed", String(Number(button.dataset.width) === width));
}

for (const button of document.querySelectorAll("[data-width]"))
  button.addEventListener("click", () => { width = Number(button.dataset.width); lay(); });
addEventListener("resize", lay);
/* The way back leads to where the frame has gone meanwhile. */
frame.addEventListener("load", () => {
  const path = frame.contentWindow.location.pathname;
  for (const link of document.querySelectorAll(".back, .close")) link.href = path;
});
lay();
