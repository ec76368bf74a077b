// Writing: a draft for each conversation and kind, sent with Ctrl+Enter, and never lost.

import { begin, isNewestSeen, toEnd } from "./timeline.js";
import { newest } from "./live.js";
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

/**
 * What had happened when the agent began to write: what colleagues write after it has to be read before this is sent.
 * @param {HTMLFormElement} form
 */
function begunAt(form) {
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("began"));
  if (mode(form) !== "reply") return;
  if (!textOf(form).value) field.value = "";
  else if (!field.value) field.value = localStorage.getItem(`began:${key(form)}`) ?? String(newest());
  if (field.value) localStorage.setItem(`began:${key(form)}`, field.value);
  else localStorage.removeItem(`began:${key(form)}`);
}

/** @param {HTMLFormElement} form */
function keep(form) {
  const text = textOf(form).value;
  try {
    if (text) localStorage.setItem(key(form), text);
    else localStorage.removeItem(key(form));
    begunAt(form);
  } catch {
    // A full or forbidden storage must not stop anybody from writing.
  }
}

/** @param {HTMLFormElement} form */
function restore(form) {
  try {
    textOf(form).value = localStorage.getItem(key(form)) ?? "";
    begunAt(form);
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

/** An address with a name in it; neither localhost nor a number is shortened by a network. */
const LINK = /https?:\/\/[^\s\/?#]*\.[a-z]{2,}\b\S*/gi;

/**
 * As the channel told how it counts; its own service counts exactly, and has the last word.
 * @param {string} text @param {{link?: number, light?: [number, number][]}} by
 */
function weigh(text, { link = 0, light = [] }) {
  const one = (/** @type {number} */ code) => light.length === 0 || light.some(([low, high]) => low <= code && code <= high);
  let links = 0;
  const rest = link ? text.normalize("NFC").replace(LINK, () => (links++, "")) : text.normalize("NFC");
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
  allow(form, true);
  if (!chosen?.dataset.length) return;
  const told = JSON.parse(chosen.dataset.length);
  const counted = weigh(textOf(form).value.trim(), told);
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const over = counted - told.longest;
  const text = say("length", { n: number.format(counted), most: number.format(told.longest) });
  line.textContent = over > 0 ? `${text}. ${say("tooLong", { n: number.format(over) })}` : text;
  line.classList.toggle("over", over > 0);
  allow(form, over <= 0);
}

/** A reply that is known to be refused cannot be sent. @param {HTMLFormElement} form @param {boolean} allowed */
function allow(form, allowed) {
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (form.querySelectorAll("button.for-reply, dialog [name=then]"))) {
    button.disabled = !allowed;
  }
}

/** The agent has seen what is on the page now, where they are at its end. @param {HTMLFormElement} form */
function note(form) {
  const seen = form.elements.namedItem("seen");
  const head = document.querySelector(".conversation-head[data-version]");
  const version = Number(head?.getAttribute("data-version") ?? 0);
  if (seen instanceof HTMLInputElement && !document.hidden && isNewestSeen()) seen.value = String(Math.max(Number(seen.value), version));
}

/** What was sent from here, as it was typed. @type {Map<string, string>} */
const sent = new Map();

/** A reply that was refused comes back to whoever wrote it. @param {Element} message @param {boolean} asked for by a press */
function again(message, asked) {
  const form = formOf(document.querySelector(".composer form"));
  const text = message.querySelector(".message-text")?.textContent ?? "";
  const typed = sent.get(form?.dataset.ticket ?? "") ?? "";
  if (!form || (textOf(form).value && !asked)) return;
  const radio = form.querySelector("[name=mode][value=reply]");
  if (radio instanceof HTMLInputElement && !radio.checked) {
    if (!asked) return;
    radio.click();
  }
  const field = textOf(form);
  field.value = [field.value, typed && text.endsWith(typed) ? typed : text].filter(Boolean).join("\n\n");
  keep(form);
  count(form);
  if (asked) field.focus();
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
  if (textOf(form).value) keep(form);
  else restore(form);
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
      if (form) note(form);
      if (form) textOf(form).focus({ preventScroll: true });
    } else if (form && event.target instanceof Element && event.target.matches(".conversation-head")) {
      queueMicrotask(() => note(form)); // the message that comes with it is placed first
    }
    const refused = event.target instanceof Element ? event.target.querySelector("[data-again]") : null;
    if (refused?.getAttribute("data-again") === document.body.dataset.me) again(/** @type {Element} */ (event.target), false);
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
      const button = /** @type {HTMLButtonElement | null} */ (form.querySelector(`.button[data-sends="${mode(form)}"]`));
      if (button && !button.disabled) form.requestSubmit(button);
    }
  });
  document.addEventListener("click", (event) => {
    const message = event.target instanceof Element && event.target.closest("[data-again]")?.closest(".message");
    if (message) again(message, true);
  });
  document.addEventListener("scroll", () => {
    const form = formOf(document.querySelector(".composer form"));
    if (form) note(form);
  }, { capture: true, passive: true });
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
    sent.set(form.dataset.ticket ?? "", textOf(form).value);
    try {
      localStorage.removeItem(key(form));
      localStorage.removeItem(`began:${key(form)}`);
    } catch {
      // As above.
    }
  });
}
