// What concerns this agent: the number on the bell, the list behind it, a sound and a desktop notification, once for all tabs.

import { open } from "./calls.js";
import { takeHtml } from "./fragments.js";
import { sound } from "./ring.js";
import { countInTitle } from "./title.js";
import { say } from "./words.js";

/** @typedef {{id: string, seq: number, ticket: string, title: string, text: string, url: string, sound: boolean, desktop: boolean}} Line */

/** The newest line of which this browser has told. */
const TOLD = `bell:${document.body.dataset.me}`;
/** The last lines that somebody read where they came: of these no tab tells. */
const SEEN = `${TOLD}:seen`;
const KEPT = 20;
/** Milliseconds in which the tab that somebody looks at can say that they see it anyway. */
const GRACE = 150;

const bell = () => /** @type {HTMLDetailsElement | null} */ (document.getElementById("bell"));
const headers = { "Content-Type": "application/x-www-form-urlencoded", ...JSON.parse(document.body.getAttribute("hx-headers") ?? "{}") };

function told() {
  try {
    return Number(localStorage.getItem(TOLD) ?? 0);
  } catch {
    return Infinity; // without a memory every tab would tell of it
  }
}

/** @param {number} seq */
function remember(seq) {
  if (seq > told()) localStorage.setItem(TOLD, String(seq));
}

const seenLines = () => (localStorage.getItem(SEEN) ?? "").split(" ");

/** @param {number} seq */
function see(seq) {
  if (seq > told()) localStorage.setItem(SEEN, [...seenLines(), seq].slice(-KEPT).join(" "));
}

/** @param {number} unread */
function count(unread) {
  const badge = document.getElementById("bell-count");
  if (!badge) return;
  badge.hidden = unread === 0;
  const [seen, said] = badge.children;
  if (seen) seen.textContent = unread > 99 ? "99+" : String(unread);
  if (said) said.textContent = say("unread", { n: unread });
  countInTitle(unread);
}

/** Whether somebody reads this ticket here, now. @param {string} ticket */
function isRead(ticket) {
  const here = document.querySelector(".conversation[data-ticket]")?.getAttribute("data-ticket");
  return Boolean(ticket) && here === ticket && !document.hidden && document.hasFocus();
}

/** On the desktop, where this browser may. @param {Line} line */
export function show({ id, title, text, url, desktop }) {
  if (!desktop || !("Notification" in window) || Notification.permission !== "granted") return;
  try {
    const shown = new Notification(title, { body: text, tag: id, silent: true });
    shown.onclick = () => {
      window.focus();
      shown.close();
      if (url.startsWith("/c/")) open(url);
      else location.assign(url);
    };
  } catch {
    // A telephone's browser knows the name and wants a worker for it: the bell has to do.
  }
}

/** @param {Line[]} lines oldest first */
async function tell(lines) {
  for (const line of lines.filter(({ ticket }) => isRead(ticket))) {
    see(line.seq);
    void fetch("/notifications/seen", { method: "POST", headers, body: new URLSearchParams({ ticket: line.ticket }) }).catch(() => null);
  }
  await new Promise((resolve) => setTimeout(resolve, GRACE));
  await navigator.locks?.request("desk-bell", () => {
    const fresh = lines.filter(({ seq }) => seq > told() && !seenLines().includes(String(seq)));
    fresh.forEach(({ seq }) => remember(seq));
    fresh.forEach(show);
    if (fresh.some((line) => line.sound)) void sound();
  });
}

/** Fetch the newest lines while the list is open. */
async function load() {
  const place = document.getElementById("bell-list");
  if (!place || !bell()?.open) return;
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch("/notifications", { headers: { "HX-Request": "true" }, cache: "no-store" });
    if (answer.status === 401) location.assign("/login");
    if (!answer.ok) throw new Error(String(answer.status));
    const html = await answer.text();
    const focused = place.contains(document.activeElement) ? document.activeElement?.id : "";
    takeHtml(html);
    if (focused) document.getElementById(focused)?.focus();
  } catch {
    place.textContent = say("failed");
  }
  document.getElementById("bell-list")?.removeAttribute("aria-busy");
}

/** Up and down go from line to line. @param {KeyboardEvent} event */
function walk(event) {
  const target = event.target instanceof Element ? event.target : null;
  if (!["ArrowDown", "ArrowUp"].includes(event.key) || !target?.closest("#bell")) return;
  const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#bell-list a")]);
  const at = links.findIndex((link) => link === target);
  event.preventDefault();
  links[Math.max(0, Math.min(links.length - 1, event.key === "ArrowDown" ? at + 1 : at - 1))]?.focus();
}

/** Listen. */
export function startBell() {
  countInTitle(Number(bell()?.dataset.unread ?? 0));
  document.addEventListener("desk:bell", (event) => {
    const { unread, lines } = /** @type {CustomEvent} */ (event).detail;
    count(unread);
    void load();
    if (lines.length) void tell(lines);
  });
  bell()?.addEventListener("toggle", () => {
    void load().then(() => {
      const first = document.querySelector("#bell-list a");
      if (bell()?.open && first instanceof HTMLElement) first.focus();
    });
  });
  document.addEventListener("keydown", walk);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("#bell-list a[data-open]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    bell()?.removeAttribute("open");
    open(link.pathname);
  });
}
