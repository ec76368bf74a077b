// The list of tickets: rows come, change and move, but never under the pointer or the focus.

import { say } from "./words.js";
import { showTimes } from "./times.js";

/** @type {Map<string, HTMLElement>} rows that wait until nobody points at the list, newest version by id */
const held = new Map();

const list = () => document.getElementById("rows");
/** Whether `a` stands above `b`: most urgent first, or newest first. @param {DOMStringMap} a @param {DOMStringMap} b */
function above(a, b) {
  if (list()?.dataset.sort === "newest") return (a.at ?? "") > (b.at ?? "");
  return (a.order ?? "") < (b.order ?? "");
}

const rows = () => /** @type {HTMLElement[]} */ ([...(list()?.querySelectorAll(":scope > .row") ?? [])]);

/** As on the server: milliseconds within which "due soon" is. */
const SOON = 1_800_000;
/** A list by due time changes when nothing happens, too: milliseconds between two looks. */
const LOOK_AGAIN = 30_000;
/** @param {DOMStringMap} row milliseconds until an answer is due; not a number where it never is */
const dueIn = (row) => (row.dueAt ? Date.parse(row.dueAt) - Date.now() : NaN);

/** Whether a ticket is in the view that the list shows. @param {DOMStringMap} row */
function belongs(row) {
  const { view, me } = list()?.dataset ?? {};
  const open = row.status === "open";
  if (row.grouped !== undefined && view !== "search") return false; // it shows under its leader
  switch (view) {
    case "mine": return open && row.assignee === me;
    case "unassigned": return (open || row.status === "pending") && !row.assignee;
    case "urgent": return open && row.level === "urgent";
    case "overdue": return open && dueIn(row) <= 0;
    case "soon": return open && dueIn(row) > 0 && dueIn(row) <= SOON;
    case "waiting": return open && row.waiting !== undefined;
    case "pending": return row.status === "pending";
    case "solved": return row.status === "solved" || row.status === "closed";
    case "search": return document.getElementById(`row-${row.ticket}`) !== null;
    case "all": return open;
    default: return open && view === `team:${row.team}`;
  }
}

/** @param {DOMStringMap} a @param {DOMStringMap} b */
const moves = (a, b) => above(a, b) || above(b, a);

function markCurrent() {
  const open = document.querySelector(".conversation[data-ticket]")?.getAttribute("data-ticket");
  for (const row of rows()) {
    const link = row.querySelector("a");
    if (row.dataset.ticket === open) link?.setAttribute("aria-current", "true");
    else link?.removeAttribute("aria-current");
  }
}

/** Who works through the list goes on with the next row. @param {HTMLElement} row that is left */
function leave(row) {
  if (!row.contains(document.activeElement)) return;
  const all = rows();
  const stays = (/** @type {HTMLElement} */ other) => other.dataset.left === undefined && other !== row;
  const at = all.indexOf(row);
  const next = all.slice(at).find(stays) ?? all.slice(0, at).findLast(stays);
  next?.querySelector("a")?.focus();
}

/** What is selected stays so. @param {HTMLElement} old @param {HTMLElement} row */
function morphRow(old, row) {
  const box = old.querySelector(".pick");
  const checked = box instanceof HTMLInputElement && box.checked;
  window.Idiomorph.morph(old, row);
  if (box instanceof HTMLInputElement) box.checked = checked;
}

/** @param {HTMLElement} row in its right place, or away when it left this view */
function place(row) {
  const old = document.getElementById(row.id);
  if (!belongs(row.dataset)) {
    old?.remove();
  } else {
    const next = rows().find((other) => other !== old && above(row.dataset, other.dataset));
    const last = rows().at(-1);
    if (!next && !old && document.querySelector(".list-more a") && last) return; // further down than what is loaded
    const element = old ?? row;
    if (old) morphRow(old, row);
    if (next) next.before(element);
    else if (!old || rows().at(-1) !== old) list()?.append(element);
    window.htmx.process(element);
    showTimes(element);
  }
  const empty = document.getElementById("rows-empty");
  if (empty) empty.hidden = rows().length > 0;
}

/** After the order was held still: everything where it belongs. */
function flush() {
  const active = document.activeElement;
  held.forEach(place);
  held.clear();
  const sorted = rows().sort((a, b) => Number(above(b.dataset, a.dataset)) - Number(above(a.dataset, b.dataset)));
  if (rows().some((row, at) => row !== sorted[at])) list()?.prepend(...sorted);
  if (active instanceof HTMLElement && active.isConnected) active.focus({ preventScroll: true });
  markCurrent();
  showHeld();
}

function showHeld() {
  const button = document.getElementById("fresh");
  if (!button) return;
  const fresh = [...held.keys()].filter((id) => !document.getElementById(id)).length;
  button.hidden = fresh === 0;
  button.textContent = fresh === 1 ? say("freshOne") : say("freshMany", { n: fresh });
}

/** Somebody points at the list or walks through it by keyboard; a row that was clicked a while ago does not hold it. */
const watched = () => list()?.parentElement?.matches(":hover, :has(:focus-visible)") ?? false;

/**
 * Take in a row as the server rendered it. While somebody is at the list its order is held still, and what its rows say is not:
 * one that left this view is struck out.
 * @param {HTMLElement} row @param {boolean} mine what was done on this page changed it
 */
export function takeRow(row, mine) {
  if (!list()) return;
  const old = document.getElementById(row.id);
  const stays = belongs(row.dataset);
  if (!old && !stays) held.delete(row.id);
  else if (watched()) {
    if (!old || !stays || moves(old.dataset, row.dataset)) held.set(row.id, row);
    if (old) {
      morphRow(old, /** @type {HTMLElement} */ (row.cloneNode(true)));
      old.toggleAttribute("data-left", !stays);
      window.htmx.process(old);
      showTimes(old);
      if (mine && !stays) leave(old);
    }
  } else {
    if (old && mine && !stays) leave(old);
    held.delete(row.id); // an older version that still waits would undo this one
    place(row);
  }
  markCurrent();
  showHeld();
}

/** @param {Record<string, unknown>} counts by view; `mine` by agent */
export function takeCounts(counts) {
  for (const element of document.querySelectorAll("[data-count]")) {
    const value = counts[element.getAttribute("data-count") ?? ""];
    if (typeof value === "string" && element.textContent !== value) element.textContent = value;
  }
}

/** Listen on the list. */
export function startList() {
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.id === "fresh") {
      flush();
      rows()[0]?.querySelector("a")?.focus();
    }
  });
  for (const name of ["pointerout", "focusout"]) {
    document.addEventListener(name, () => {
      if (held.size) setTimeout(() => held.size && !watched() && flush(), 300);
    });
  }
  document.addEventListener("htmx:afterSettle", markCurrent);
  if (["overdue", "soon"].includes(list()?.dataset.view ?? "")) {
    setInterval(() => !document.hidden && !watched() && document.dispatchEvent(new Event("desk:stale")), LOOK_AGAIN);
  }
}
