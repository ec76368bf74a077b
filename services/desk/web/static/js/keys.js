// Single keys, outside fields only and never with Alt: Alt belongs to the browser and to people's own letters.

let going = 0;

/** @param {number} step */
function move(step) {
  const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#rows .row > a")]);
  if (!links.length) return;
  const active = document.activeElement;
  let at = links.findIndex((link) => link === active);
  if (at < 0) at = links.findIndex((link) => link.hasAttribute("aria-current"));
  const next = links[Math.max(0, Math.min(links.length - 1, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** @param {string} selector */
function press(selector) {
  const button = document.querySelector(selector);
  if (button instanceof HTMLElement && !button.hidden) button.click();
}

/** @param {"reply" | "note"} mode */
function write(mode) {
  const radio = document.querySelector(`.composer [name="mode"][value="${mode}"]`);
  if (!(radio instanceof HTMLInputElement)) return;
  radio.click();
  const text = document.querySelector(".composer textarea");
  if (text instanceof HTMLElement) text.focus();
}

/** @type {Record<string, () => void>} */
const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  r: () => write("reply"),
  n: () => write("note"),
  e: () => press("[data-key='e']"),
  a: () => press("[data-key='a']"),
  "/": () => {
    const search = document.getElementById("search");
    if (search instanceof HTMLElement) search.focus();
  },
  "?": () => press("[data-key='?']"),
  g: () => (going = Date.now()),
};

/** @param {KeyboardEvent} event */
function onKey(event) {
  const target = /** @type {Element | null} */ (event.target);
  if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing || event.defaultPrevented) return;
  if (target?.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]")) {
    if (event.key === "Escape") leaveField(/** @type {HTMLElement} */ (target));
    return;
  }
  if (document.body.dataset.keys === "off" || document.querySelector("dialog[open]")) return;
  const arrow = event.key.startsWith("Arrow");
  if (arrow && !target?.closest("#rows")) return;
  if (/^[a-z]$/.test(event.key) && Date.now() - going < 1500 && document.querySelector(`[data-key='g ${event.key}']`)) {
    going = 0;
    press(`[data-key='g ${event.key}']`);
  } else if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]?.();
  }
}

/** Esc goes back to where the keys work. @param {HTMLElement} field */
function leaveField(field) {
  const back = document.querySelector("#rows [aria-current]") ?? document.querySelector("#rows .row > a");
  field.blur();
  if (back instanceof HTMLElement) back.focus({ preventScroll: true });
}

/** Listen. */
export function startKeys() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const opener = target?.closest("[data-dialog]");
    const dialog = opener && document.getElementById(opener.getAttribute("data-dialog") ?? "");
    if (dialog instanceof HTMLDialogElement) {
      event.preventDefault();
      dialog.showModal();
    }
    if (target instanceof HTMLDialogElement) target.close();
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.removeAttribute("open");
  });
}
