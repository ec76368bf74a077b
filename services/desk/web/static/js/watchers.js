// Who else has this conversation open, and who writes: told while it is on the screen, and forgotten when nobody says so any more.

import { say } from "./words.js";

/** Milliseconds between two times that a tab says that it is still there; the desk believes it for twice as long. */
const AGAIN = 20_000;
/** Milliseconds between two times that somebody is said to be typing; the desk believes it for twice as long. */
const KEYS = 4000;

/** @typedef {{agent: string, name: string, typing: boolean}} Watcher */

const tab = Math.random().toString(36).slice(2);
const headers = { "Content-Type": "application/x-www-form-urlencoded", ...JSON.parse(document.body.getAttribute("hx-headers") ?? "{}") };
let ticket = "";
let typed = 0;
/** @type {Watcher[]} */
let people = [];

/** @param {string} where @param {"viewing" | "typing" | "gone"} state */
async function tell(where, state) {
  if (document.getElementById("live")?.dataset.state === "lost") return; // nobody would hear it
  const body = new URLSearchParams({ tab, state }).toString();
  const answer = await fetch(`/c/${where}/looks`, { method: "POST", headers, body, keepalive: state === "gone" }).catch(() => null);
  if (answer?.ok && state !== "gone") hear(await answer.json());
}

/** @param {{ticket: string, people: Watcher[]}} told */
function hear(told) {
  if (told.ticket !== ticket) return;
  people = told.people.filter((other) => other.agent !== document.body.dataset.me);
  show();
}

function show() {
  const line = document.getElementById("watchers");
  if (!line) return;
  const names = (/** @type {boolean} */ typing) => people.filter((other) => other.typing === typing).map((other) => other.name);
  const list = new Intl.ListFormat(document.documentElement.lang);
  const told = [["writing", names(true)], ["alsoHere", names(false)]].filter(([, found]) => found.length);
  const text = told.map(([key, found]) => say(String(key), { names: list.format(found) })).join(" · ");
  line.hidden = !text;
  line.classList.toggle("typing", people.some((other) => other.typing));
  if (line.textContent !== text) line.textContent = text;
}

/** What is on the screen now is what this tab looks at. */
function look() {
  const open = document.querySelector(".conversation[data-ticket]")?.getAttribute("data-ticket") ?? "";
  const now = document.hidden ? "" : open;
  if (now === ticket) return;
  if (ticket) void tell(ticket, "gone");
  ticket = now;
  people = [];
  show();
  if (ticket) void tell(ticket, "viewing");
}

/** Listen. */
export function startWatchers() {
  look();
  setInterval(() => ticket && void tell(ticket, Date.now() - typed < KEYS ? "typing" : "viewing"), AGAIN);
  document.addEventListener("htmx:afterSettle", look);
  document.addEventListener("visibilitychange", look);
  document.addEventListener("desk:placed", show);
  document.addEventListener("desk:watchers", (event) => hear(/** @type {CustomEvent} */ (event).detail));
  document.addEventListener("input", (event) => {
    if (!(event.target instanceof HTMLTextAreaElement) || !event.target.closest(".composer") || !ticket) return;
    if (Date.now() - typed < KEYS) return;
    typed = Date.now();
    void tell(ticket, "typing");
  });
  document.addEventListener("desk:sent", (event) => {
    typed = 0;
    if (ticket && event.target instanceof Element && event.target.closest(".composer")) void tell(ticket, "viewing");
  });
  addEventListener("pagehide", () => ticket && void tell(ticket, "gone"));
  addEventListener("pageshow", (event) => event.persisted && ticket && void tell(ticket, "viewing"));
}
