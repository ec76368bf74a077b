// Conversations that are handed over: choosing several, and the dialog that asks who gets them.

import { showTimes } from "./times.js";
import { say } from "./words.js";

const dialog = () => /** @type {HTMLDialogElement} */ (document.getElementById("hand-over"));
const picks = () => /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll(".pick")]);
/** The box that was ticked last: Shift selects from there. @type {HTMLInputElement | null} */
let last = null;

/** The conversations that are selected. */
export const picked = () => [...new Set(picks().filter((each) => each.checked).map((each) => each.value))];

/** Who has each of them, as its row says. */
export const holders = () =>
  picked().map((ticket) => picks().find((each) => each.value === ticket)?.closest("[data-assignee]")?.getAttribute("data-assignee") ?? "");

/** Nothing is selected any more. */
function clear() {
  for (const each of picks()) each.checked = false;
  count();
}

function count() {
  const said = document.getElementById("bulk-said");
  if (!said) return;
  const text = picked().length ? say("picked", { n: picked().length }) : "";
  if (said.textContent !== text) said.textContent = text;
}

/** Select a row, or not any more. @param {HTMLElement | null} row */
export function pick(row) {
  const box = row?.querySelector(".pick");
  if (!(box instanceof HTMLInputElement)) return;
  box.checked = !box.checked;
  last = box;
  count();
}

/** Ask who gets these. @param {string[]} tickets */
export async function handOver(tickets) {
  if (!tickets.length || dialog().open) return;
  const query = new URLSearchParams(tickets.map((ticket) => ["ticket", ticket]));
  try {
    const answer = await fetch(`/hand-over?${query}`, { headers: { "HX-Request": "true" }, cache: "no-store" });
    if (answer.status === 401) location.assign("/login");
    if (!answer.ok) throw new Error(String(answer.status));
    dialog().innerHTML = await answer.text();
  } catch {
    document.getElementById("apply")?.dispatchEvent(new CustomEvent("desk:say", { bubbles: true, detail: say("failed") }));
    return;
  }
  window.htmx.process(dialog());
  showTimes(dialog());
  startFinding();
  dialog().showModal();
}

/** Who is looked for by name is the only one to see. */
function startFinding() {
  const field = document.getElementById("hand-over-find");
  if (!(field instanceof HTMLInputElement)) return;
  const box = /** @type {HTMLElement} */ (field.parentElement);
  const choices = /** @type {HTMLElement[]} */ ([...dialog().querySelectorAll(".choice")]);
  const radio = (/** @type {HTMLElement} */ choice) => /** @type {HTMLInputElement} */ (choice.querySelector("input"));
  const shown = () => choices.filter((choice) => !choice.hidden);
  const none = document.getElementById("hand-over-none");
  box.hidden = false;
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const choice of choices) {
      choice.hidden = !words.every((word) => `${choice.textContent} ${radio(choice).value}`.toLowerCase().includes(word));
      if (choice.hidden) radio(choice).checked = false;
    }
    if (none) none.hidden = shown().length > 0;
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const first = shown()[0];
    if (event.key === "ArrowDown" && first) {
      event.preventDefault();
      radio(first).focus();
      radio(first).checked = true;
    } else if (event.key === "Enter" && field.value.trim() && first && !shown().some((choice) => radio(choice).checked)) radio(first).checked = true;
  });
}

/** Everything from the box that was ticked before this one is like this one. @param {HTMLInputElement} box */
function range(box) {
  const all = picks();
  const [from, to] = [all.indexOf(/** @type {HTMLInputElement} */ (last)), all.indexOf(box)].sort((a, b) => a - b);
  if (from === undefined || from < 0) return;
  for (const each of all.slice(from, to)) each.checked = box.checked;
}

/** Listen. */
export function startHanding() {
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest("a[data-hand-over]");
    if (link instanceof HTMLAnchorElement && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      void handOver(new URL(link.href).searchParams.getAll("ticket"));
    }
    if (target instanceof HTMLInputElement && target.matches(".pick")) {
      if (event.shiftKey) range(target);
      last = target;
      count();
    }
  });
  document.addEventListener("submit", (event) => {
    if (!(event.target instanceof HTMLFormElement) || event.target.id !== "bulk") return;
    event.preventDefault();
    void handOver(picked());
  });
  document.addEventListener("reset", (event) => event.target instanceof HTMLFormElement && event.target.id === "bulk" && setTimeout(clear));
  for (const name of ["desk:sent", "desk:failed"]) {
    document.addEventListener(name, (event) => event.target instanceof Element && event.target.closest("#hand-over-form") && clear());
  }
  const rows = document.querySelector("#rows, main.supervisor");
  if (rows) new MutationObserver(count).observe(rows, { childList: true, subtree: rows.id === "main" });
}
