// Mail in its own formatting is as high as it is: nobody scrolls inside of what scrolls.

/** Pixels above which a frame scrolls after all. */
const HIGHEST = 4000;

/** @param {Element | EventTarget | null} frame */
function fit(frame) {
  if (!(frame instanceof HTMLIFrameElement) || !frame.matches(".original")) return;
  const page = frame.contentDocument?.documentElement;
  if (page && page.scrollHeight) frame.height = String(Math.min(page.scrollHeight + 2, HIGHEST));
}

/** Listen. */
export function startFrames() {
  const all = () => document.querySelectorAll(".original").forEach(fit);
  all();
  document.addEventListener("load", (event) => fit(event.target), true);
  document.addEventListener("toggle", all, true);
  document.addEventListener("desk:placed", all);
  addEventListener("resize", all);
}
