// Times in the reader's own zone and language. The server writes UTC; this makes it "12 min" or "9:10".

import { say } from "./words.js";

const shown = document.documentElement.lang || "en";
/** The reader's own kind of English, say: 14:05 or 2:05 PM. */
const language = navigator.languages.find((code) => code.startsWith(shown)) ?? shown;
/** "-12 min" is what narrow French says. */
const relative = new Intl.RelativeTimeFormat(shown, { style: shown === "fr" ? "short" : "narrow" });
const clock = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
/** @type {Intl.DateTimeFormatOptions} */
const written = { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" };
const day = new Intl.DateTimeFormat(language, written);
const dayOfAnotherYear = new Intl.DateTimeFormat(language, { ...written, year: "numeric" });
const full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" });

/** @type {[number, Intl.RelativeTimeFormatUnit][]} seconds below which a unit fits */
const STEPS = [[60, "second"], [3600, "minute"], [86_400, "hour"], [604_800, "day"], [2_592_000, "week"], [31_536_000, "month"]];

/** "12m ago", rounded down as on the server. @param {Date} at @param {number} now */
export function ago(at, now = Date.now()) {
  const seconds = Math.trunc((at.getTime() - now) / 1000) || -1;
  let size = 1;
  for (const [limit, unit] of STEPS) {
    if (Math.abs(seconds) < limit) return relative.format(Math.trunc(seconds / size), unit);
    size = limit;
  }
  return relative.format(Math.trunc(seconds / 31_536_000), "year");
}

/** As on the server: `SOON` of the desk's tickets. */
const SOON = 1_800_000;

/** "1 hr 59 min": the two largest units, rounded down as on the server. @param {number} seconds */
export function lasting(seconds) {
  const [size, unit, next, smaller] = seconds >= 86_400 ? [86_400, "day", 3600, "hour"] : [3600, "hour", 60, "minute"];
  const parts = [[Math.floor(seconds / size), unit], [Math.floor((seconds % size) / next), smaller]];
  const shownParts = parts.filter(([count], at) => count || (at === 1 && seconds < size));
  const format = ([count, name]) => new Intl.NumberFormat(shown, { style: "unit", unit: name, unitDisplay: "short" }).format(count);
  return shownParts.map(format).join(" ");
}

/** "Due in 25 min", "Overdue 8 min". @param {HTMLElement} element @param {number} now */
function showDue(element, now) {
  const left = Date.parse(element.dataset.due ?? "") - now;
  const text = say(left <= 0 ? "overdue" : "dueIn", { time: lasting(Math.abs(left) / 1000) });
  if (element.textContent !== text) element.textContent = text;
  element.classList.toggle("late", left <= 0);
  element.classList.toggle("soon", left > 0 && left <= SOON);
}

/** What is of today shows its time, what is of another year its year. @param {Date} at */
function inWords(at, now = new Date()) {
  if (at.toDateString() === now.toDateString()) return clock;
  return at.getFullYear() === now.getFullYear() ? day : dayOfAnotherYear;
}

/** Write every `<time data-as>` and every due time below `root` anew. @param {ParentNode} [root] */
export function showTimes(root = document) {
  for (const element of /** @type {NodeListOf<HTMLTimeElement>} */ (root.querySelectorAll("time[data-as]:not([data-as=clock])"))) {
    const at = new Date(element.dateTime);
    const text = element.dataset.as === "ago" ? ago(at) : inWords(at).format(at);
    if (element.textContent !== text) element.textContent = text;
    element.title = full.format(at);
  }
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-due]"))) showDue(element, Date.now());
}

/** How much the server's clock is ahead of this one, where that is more than a page takes to come: milliseconds. */
const ahead = Date.parse(document.body.dataset.now ?? "") - Date.now();
const skew = Math.abs(ahead) > 5000 ? ahead : 0;

/** "3:07": how long something has been going on. */
function showClocks() {
  for (const element of /** @type {NodeListOf<HTMLTimeElement>} */ (document.querySelectorAll("time[data-as=clock]"))) {
    const seconds = Math.max(0, Math.floor((Date.now() + skew - Date.parse(element.dateTime)) / 1000));
    const two = (/** @type {number} */ count) => String(count).padStart(2, "0");
    const minutes = Math.floor(seconds / 60);
    const text = minutes < 60 ? `${minutes}:${two(seconds % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
    if (element.textContent !== text) element.textContent = text;
  }
}

/** Keep them right. */
export function startTimes() {
  showTimes();
  showClocks();
  setInterval(showClocks, 1000);
  setInterval(showTimes, 20_000);
}
