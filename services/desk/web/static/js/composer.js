// Writing: a draft for each conversation and kind, sent with Ctrl+Enter, and never lost.

import { begin, toEnd } from "./timeline.js";
import { say } from "./words.js";

const key = (/** @type {HTMLFormElement} */ form) => `draft:${form.dataset.ticket}:${mode(form)}`;
const mode = (/** @type {HTMLFormElement} */ form) => String(new FormData(form).get("mode") ?? "reply");

/** @param {Element | null} target @returns {HTMLFormElement | null} */
function formOf(target) {
  return /** @type {HTMLFormElement | null} */ (target?.closest(".composer form") ?? null);
}

/** @param {HTMLFormElement} form */
function textOf(form) {
  return /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("text"));
}

/** @param {HTMLFormElement} form */
function keep(form) {
  const text = textOf(form).value;
  try {
    if (text) localStorage.setItem(key(form), text);
    else localStorage.removeItem(key(form));
  } catch {
    // A full or forbidden storage must not stop anybody from writing.
  }
}

/** @param {HTMLFormElement} form */
function restore(form) {
  try {
    textOf(form).value = localStorage.getItem(key(form)) ?? "";
  } catch {
    // As above.
  }
}

/** The line that says who gets it. @param {HTMLFormElement} form */
function address(form) {
  const select = form.elements.namedItem("channel");
  const line = form.querySelector("[data-recipient]");
  const option = select instanceof HTMLSelectElement ? select.selectedOptions[0] : null;
  if (option && line) line.textContent = option.dataset.to ?? "";
}

/**
 * As the channel told how it counts; its own service counts exactly, and has the last word.
 * @param {string} text @param {{link?: number, light?: [number, number][]}} by
 */
function weigh(text, { link = 0, light = [] }) {
  const one = (/** @type {number} */ code) => light.length === 0 || light.some(([low, high]) => low <= code && code <= high);
  let links = 0;
  const rest = link ? text.normalize("NFC").replace(/https?:\/\/\S+/gi, () => (links++, "")) : text.normalize("NFC");
  let sum = links * link;
  for (const { segment } of new Intl.Segmenter().segment(rest)) {
    if (/\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(segment) && light.length) sum += 2;
    else for (const character of segment) sum += one(character.codePointAt(0) ?? 0) ? 1 : 2;
  }
  return sum;
}

/** How much of a public answer is written. @param {HTMLFormElement} form */
function count(form) {
  const line = /** @type {HTMLElement | null} */ (form.querySelector(".length"));
  const field = form.elements.namedItem("channel");
  const chosen = field instanceof HTMLSelectElement ? field.selectedOptions[0] : field instanceof HTMLInputElement ? field : null;
  if (!line) return;
  line.hidden = !chosen?.dataset.length;
  if (!chosen?.dataset.length) return;
  const told = JSON.parse(chosen.dataset.length);
  const counted = weigh(textOf(form).value.trim(), told);
  const number = new Intl.NumberFormat(document.documentElement.lang);
  line.textContent = say("length", { n: number.format(counted), most: number.format(told.longest) });
  line.classList.toggle("over", counted > told.longest);
}

/** The agent has seen what is on the page now. @param {HTMLFormElement} form */
function note(form) {
  const seen = form.elements.namedItem("seen");
  const head = document.querySelector(".conversation-head[data-version]");
  const version = Number(head?.getAttribute("data-version") ?? 0);
  if (seen instanceof HTMLInputElement && !document.hidden) seen.value = String(Math.max(Number(seen.value), version));
}

/** Say that it was not sent, keep the text. @param {HTMLFormElement} form */
function failed(form) {
  keep(form);
  const alert = form.querySelector(".not-sent");
  if (alert instanceof HTMLElement) alert.hidden = false;
}

function ready() {
  const form = formOf(document.querySelector(".composer form"));
  if (!form || form.dataset.ready) return;
  form.dataset.ready = "yes";
  if (!textOf(form).value) restore(form);
  count(form);
}

/** @type {Element | null} the conversation that was shown from its beginning */
let begun = null;

/** A conversation that was just opened. */
function opened() {
  ready();
  const conversation = document.querySelector(".conversation[data-ticket]");
  if (conversation && conversation !== begun && !location.hash) begin();
  begun = conversation;
}

/** Listen. */
export function startComposer() {
  opened();
  document.addEventListener("htmx:afterSettle", opened);
  document.addEventListener("desk:placed", (event) => {
    const form = formOf(document.querySelector(".composer form"));
    if (event.target instanceof Element && event.target.matches(".composer")) {
      ready();
      toEnd();
      if (form) textOf(form).focus({ preventScroll: true });
    } else if (form && event.target instanceof Element && event.target.matches(".conversation-head")) note(form);
  });
  document.addEventListener("input", (event) => {
    const form = formOf(/** @type {Element} */ (event.target));
    if (form && event.target instanceof HTMLTextAreaElement) {
      keep(form);
      count(form);
    }
  });
  document.addEventListener("change", (event) => {
    const form = formOf(/** @type {Element} */ (event.target));
    if (!form || !(event.target instanceof HTMLElement)) return;
    if (event.target.matches("[name=mode]")) restore(form);
    if (event.target.matches("[name=channel]")) address(form);
    count(form);
  });
  document.addEventListener("keydown", (event) => {
    const form = formOf(/** @type {Element} */ (event.target));
    if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
      event.preventDefault();
      const button = form.querySelector(`.button[data-sends="${mode(form)}"]`);
      form.requestSubmit(/** @type {HTMLButtonElement} */ (button));
    }
  });
  document.addEventListener("visibilitychange", () => {
    const form = formOf(document.querySelector(".composer form"));
    if (form) note(form);
  });
  document.addEventListener("desk:failed", (event) => {
    const form = formOf(/** @type {Element} */ (event.target));
    if (form) failed(form);
  });
  document.addEventListener("desk:sent", (event) => {
    const form = formOf(/** @type {Element} */ (event.target));
    if (!form) return;
    try {
      localStorage.removeItem(key(form));
    } catch {
      // As above.
    }
  });
}
