// What the server rendered takes its place on the page by its id, whether it was pushed or came as an answer.

import { takeRow } from "./list.js";
import { isAtEnd, toEnd } from "./timeline.js";
import { showTimes } from "./times.js";
import { say } from "./words.js";

const MORPH = {
  callbacks: {
    /** What a person has unfolded or selected, and what has been shown, stays so. @param {string} name @param {Element} node */
    beforeAttributeUpdated: (name, node) =>
      !(name === "open" && (node instanceof HTMLDetailsElement || node instanceof HTMLDialogElement)) && !(name === "checked" && node.matches(".pick")),
  },
};

/** Whether somebody is at work here: a field that was changed and not saved, a form that was told what is wrong. @param {Node} node */
function isTouched(node) {
  if (node instanceof HTMLFormElement) return node.querySelector("[aria-invalid=true]") !== null;
  if (node instanceof HTMLSelectElement) {
    const preset = [...node.options].find((option) => option.defaultSelected) ?? node.options[0];
    return preset !== undefined && !preset.selected;
  }
  const isText = node instanceof HTMLTextAreaElement || (node instanceof HTMLInputElement && node.type === "text");
  return isText && node.value !== node.defaultValue;
}

/**
 * @param {Element} old
 * @param {Element} fresh
 * @param {Element | null} [own] the form that this answers: what was typed there has arrived, what was typed elsewhere stays
 */
export function morph(old, fresh, own = null) {
  const keepTyped = (/** @type {Node} */ node) => Boolean(own?.contains(node)) || !isTouched(node);
  const ignoreActiveValue = document.activeElement?.matches("input, textarea, select") ?? false; // the words of a link that has the focus do change
  window.Idiomorph.morph(old, fresh, { ...MORPH, ignoreActiveValue, callbacks: { ...MORPH.callbacks, beforeNodeMorphed: keepTyped } });
}

/** Put `element` where its `data-at` belongs. @param {Element} parent @param {HTMLElement} element */
function insert(parent, element) {
  const follows = parent.closest(".timeline") && isAtEnd();
  const at = element.dataset.at ?? "";
  const next = at && [...parent.children].find((other) => other instanceof HTMLElement && (other.dataset.at ?? "") > at);
  if (next) next.before(element);
  else parent.append(element);
  if (follows) toEnd();
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
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-only]"))) {
    element.hidden = element.dataset.only !== me;
  }
}

/** @typedef {{form: Element | null}} Answer to what was done on this page, and the form with which it was done */

/** @param {HTMLElement} element @param {Answer | null} answer */
function take(element, answer) {
  if (element.matches(".row")) {
    takeRow(element, answer !== null);
    return;
  }
  const old = document.getElementById(element.id);
  const parent = document.getElementById(element.dataset.into ?? "");
  if (!old && !parent) return;
  let placed = element;
  if (old && element.dataset.replace === undefined) {
    morph(old, element, answer?.form);
    placed = old;
  } else if (old) old.replaceWith(element);
  else if (parent) insert(parent, element);
  window.htmx.process(placed);
  showTimes(placed);
  personal(placed.parentElement ?? document);
  placed.dispatchEvent(new CustomEvent("desk:placed", { bubbles: true }));
}

/** Take in everything that the server sent. @param {string} html @param {Answer | null} [answer] none for what is pushed */
export function takeHtml(html, answer = null) {
  const template = document.createElement("template");
  template.innerHTML = html;
  /** @type {Map<string, HTMLElement>} the newest version of each */
  const newest = new Map();
  for (const element of template.content.children) if (element instanceof HTMLElement) newest.set(element.id, element);
  newest.forEach((element) => take(element, answer));
}
