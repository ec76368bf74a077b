// Single keys, outside fields only and never with Alt: Alt belongs to the browser and to people's own letters.
// What they do they do to the marked row, and where none is marked to the open conversation.

import { handOver, holders, pick, picked } from "./handing.js";
import { isLoading } from "./opening.js";

let going = 0;
/** What is to be written as soon as the marked conversation is open. @type {{ticket: string, mode: "reply" | "note"} | null} */
let writing = null;

const opened = () => document.querySelector(".conversation[data-ticket]")?.getAttribute("data-ticket") ?? "";
/** @returns {HTMLElement | null} */
const markedRow = () => document.activeElement?.closest("#rows .row, .work") ?? null;

/** @param {number} step */
function move(step) {
  const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#rows .row > a, .work > a")]);
  if (!links.length) return;
  const active = document.activeElement;
  let at = links.findIndex((link) => link === active);
  if (at < 0) at = links.findIndex((link) => link.hasAttribute("aria-current"));
  const next = links[Math.max(0, Math.min(links.length - 1, at + step))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** Whether the agent may do this. @param {string} permission */
const may = (permission) => (document.body.dataset.may ?? "").split(" ").includes(permission);

/** @param {string} selector */
function press(selector) {
  const button = document.querySelector(selector);
  if (!(button instanceof HTMLElement) || button.hidden) return;
  if (button.dataset.go === undefined) button.click();
  else button.focus();
}

/** Resolve or take the marked row as its buttons would. @param {"e" | "a"} key */
function change(key) {
  const row = markedRow()?.dataset;
  if (isLoading() || !may("tickets.change")) return;
  if (key === "a" && picked().length) {
    const values = { ticket: picked(), was: holders(), to: `agent:${document.body.dataset.me}` };
    window.htmx.ajax("POST", "/hand-over", { source: "#bulk", target: "#apply", values }).catch(() => {}); // app.js says it
    return;
  }
  if (!row || row.ticket === opened()) {
    press(`.conversation-head [data-key='${key}']`);
    return;
  }
  if (key === "a" && row.assignee === document.body.dataset.me) return;
  const settled = row.status === "solved" || row.status === "closed";
  const [path, values] = key === "e" ? ["status", { status: settled ? "open" : "solved" }] : ["assign", { to: "me", was: row.assignee || "none" }];
  window.htmx.ajax("POST", `/c/${row.ticket}/${path}`, { source: "#apply", target: "#apply", values }).catch(() => {}); // app.js says it
}

/** Open the marked row where it is not, then write. @param {"reply" | "note"} mode */
function answer(mode) {
  const row = markedRow();
  if (isLoading() || !may(mode === "reply" ? "tickets.reply" : "tickets.note")) return;
  if (!row || row.dataset.ticket === opened()) {
    write(mode);
    return;
  }
  writing = { ticket: row.dataset.ticket ?? "", mode };
  row.querySelector("a")?.click();
}

/** @param {"reply" | "note"} mode */
function write(mode) {
  const radio = document.querySelector(`.composer [name="mode"][value="${mode}"]`);
  if (!(radio instanceof HTMLInputElement)) return;
  radio.click();
  const text = document.querySelector(".composer textarea");
  if (text instanceof HTMLElement) text.focus();
}

/** Who gets what is selected, or else the marked row, or the open conversation. */
function give() {
  if (isLoading() || !may("tickets.change")) return;
  const one = markedRow()?.dataset.ticket ?? opened();
  void handOver(picked().length ? picked() : one ? [one] : []);
}

/** @type {Record<string, () => void>} */
const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  r: () => answer("reply"),
  n: () => answer("note"),
  e: () => change("e"),
  a: () => change("a"),
  x: () => may("tickets.change") && pick(markedRow()),
  t: give,
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
  const menu = event.key === "Escape" ? document.querySelector("details.menu[open]") : null;
  if (menu) {
    menu.removeAttribute("open");
    menu.querySelector("summary")?.focus();
    return;
  }
  if (document.body.dataset.keys === "off" || document.querySelector("dialog[open]")) return;
  if (event.repeat && (event.key === "e" || event.key === "a")) return; // a finger that rests on a key means one
  const arrow = event.key.startsWith("Arrow");
  if (arrow && !target?.closest("#rows, .works")) return;
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
  document.addEventListener("htmx:afterRequest", () => {
    if (!writing || isLoading()) return;
    if (writing.ticket === opened()) write(writing.mode);
    writing = null;
  });
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const opener = target?.closest("[data-dialog]");
    const dialog = opener && document.getElementById(opener.getAttribute("data-dialog") ?? "");
    if (dialog instanceof HTMLDialogElement) {
      event.preventDefault();
      const form = opener instanceof HTMLButtonElement ? opener.form : null;
      if (!form || form.reportValidity()) dialog.showModal();
    }
    if (target?.closest("[data-close]")) target.closest("dialog")?.close();
    if (target instanceof HTMLDialogElement) target.close();
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.removeAttribute("open");
  });
}
