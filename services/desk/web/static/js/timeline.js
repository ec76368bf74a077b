// Where a conversation is read: it begins with what nobody has answered yet, and follows what comes to whoever is at its end.

/** Pixels from the end within which somebody is at it. */
const NEAR = 80;
/** Pixels above a message that is scrolled to. */
const GAP = 16;

/** What scrolls: the messages, or on a small screen the head with them. @returns {HTMLElement | null} */
export function scroller() {
  const log = /** @type {HTMLElement | null} */ (document.querySelector(".timeline"));
  return log && getComputedStyle(log).overflowY === "visible" ? log.closest(".conversation") : log;
}

/** @param {HTMLElement} box @param {Element} message */
const below = (box, message) => message.getBoundingClientRect().top - box.getBoundingClientRect().top;

/** @param {Element} message to the top, as far as there is something below it */
function show(message) {
  const box = scroller();
  if (box) box.scrollTop += below(box, message) - GAP;
}

/** At the first message that nobody has answered; where all are answered, at the end. */
export function begin() {
  const first = document.getElementById(document.querySelector(".timeline ol")?.getAttribute("data-first") || "-");
  if (first) show(first);
  else toEnd();
}

/** Of the newest message as much as there is room for, from its top on. */
export function toEnd() {
  const newest = document.querySelector(".timeline ol > :last-child");
  if (newest) show(newest);
}

/** Whether the newest message has come into sight. */
export function isNewestSeen() {
  const box = scroller();
  const last = document.querySelector(".timeline ol > :last-child");
  return box === null || last === null || below(box, last) < box.clientHeight;
}

/** Whether somebody reads the newest message. */
export function isAtEnd() {
  const box = scroller();
  return box !== null && box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
}
