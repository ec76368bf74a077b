// What the server rendered takes its place on the page by its id, whether it was pushed or came as an answer.

import { takeRow } from "./list.js";
import { showTimes } from "./times.js";
import { say } from "./words.js";

const MORPH = {
  ignoreActiveValue: true,
  callbacks: {
    /** What a person has unfolded stays unfolded. @param {string} name @param {Element} node */
    beforeAttributeUpdated: (name, node) => !(name === "open" && node instanceof HTMLDetailsElement),
  },
};

/** Whether somebody has changed this field and not saved it. @param {Node} node */
function isTouched(node) {
  if (node instanceof HTMLSelectElement) {
    const preset = [...node.options].find((option) => option.defaultSelected) ?? node.options[0];
    return preset !== undefined && !preset.selected;
  }
  return node instanceof HTMLInputElement && node.type === "text" && node.value !== node.defaultValue;
}

/**
 * @param {Element} old
 * @param {Element} fresh
 * @param {boolean} [own] the answer to what this person just did: it may change what they typed
 */
export function morph(old, fresh, own = false) {
  const keepTyped = { beforeNodeMorphed: (/** @type {Node} */ node) => !isTouched(node) };
  window.Idiomorph.morph(old, fresh, own ? MORPH : { ...MORPH, callbacks: { ...MORPH.callbacks, ...keepTyped } });
}

/** Put `element` where its `data-at` belongs. @param {Element} parent @param {HTMLElement} element */
function insert(parent, element) {
  const log = parent.closest(".timeline");
  const atEnd = log && log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const at = element.dataset.at ?? "";
  const next = at && [...parent.children].find((other) => other instanceof HTMLElement && (other.dataset.at ?? "") > at);
  if (next) next.before(element);
  else parent.append(element);
  if (log && atEnd) log.scrollTop = log.scrollHeight;
  if (element.matches(".message.inbound")) announce(say("newMessage", { name: element.dataset.author ?? "" }));
}

/** @param {string} text */
export function announce(text) {
  const status = document.getElementById("announce");
  if (status) status.textContent = text;
}

/** Show the buttons that are for this agent. @param {ParentNode} root */
export function personal(root) {
  const me = document.body.dataset.me;
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-unless]"))) {
    element.hidden = element.dataset.unless === me;
  }
}

/** @param {HTMLElement} element @param {boolean} own */
function take(element, own) {
  if (element.matches(".row")) {
    takeRow(element);
    return;
  }
  const old = document.getElementById(element.id);
  const parent = document.getElementById(element.dataset.into ?? "");
  if (!old && !parent) return;
  let placed = element;
  if (old && element.dataset.replace === undefined) {
    morph(old, element, own);
    placed = old;
  } else if (old) old.replaceWith(element);
  else if (parent) insert(parent, element);
  window.htmx.process(placed);
  showTimes(placed);
  personal(placed.parentElement ?? document);
  placed.dispatchEvent(new CustomEvent("desk:placed", { bubbles: true }));
}

/** Take in everything that the server sent. @param {string} html @param {boolean} [own] as in `morph` */
export function takeHtml(html, own = false) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const element of [...template.content.children]) if (element instanceof HTMLElement) take(element, own);
}
