// The console's own scripts. Everything can be read without them; they make it live and quick.

import { startBell } from "./bell.js";
import { startCalls } from "./calls.js";
import { startComposer } from "./composer.js";
import { startCopy } from "./copy.js";
import { announce, personal, takeHtml } from "./fragments.js";
import { startFrames } from "./frames.js";
import { startHanding } from "./handing.js";
import { startKeys } from "./keys.js";
import { startList } from "./list.js";
import { startLive } from "./live.js";
import { startMentioning } from "./mentioning.js";
import { isNewest, startOpening } from "./opening.js";
import { showTimes, startTimes } from "./times.js";
import { startWatchers } from "./watchers.js";
import { say } from "./words.js";

const SHOWN = 8000;

/** Answers to what a person did are applied by id; failures are said where they happened. */
function startAnswers() {
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    const status = detail.xhr.status;
    if (status === 401) {
      detail.shouldSwap = false;
      location.assign("/login");
    } else if (!isNewest(detail)) {
      detail.shouldSwap = false;
    } else if (detail.target.id === "apply") {
      detail.shouldSwap = false;
      const html = /^text\/html/.test(detail.xhr.getResponseHeader("Content-Type") ?? "");
      const name = status < 300 ? "desk:sent" : "desk:failed";
      detail.requestConfig.elt.dispatchEvent(new CustomEvent(name, { bubbles: true }));
      if (status < 300) detail.requestConfig.elt.closest("details.menu")?.removeAttribute("open");
      detail.isError = detail.isError && !(html && status < 500);
      if (html && status < 500) takeHtml(detail.xhr.responseText, { form: detail.requestConfig.elt.closest("form") });
      else if (status >= 400) fail(detail.requestConfig.elt);
    } else if (status >= 400) {
      detail.shouldSwap = false;
      fail(detail.requestConfig.elt);
    }
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => {
      const { elt } = /** @type {CustomEvent} */ (event).detail.requestConfig;
      elt.dispatchEvent(new CustomEvent("desk:failed", { bubbles: true }));
      fail(elt);
    });
  }
  let waiting = 0;
  document.addEventListener("htmx:beforeRequest", () => document.body.classList.toggle("busy", ++waiting > 0));
  document.addEventListener("htmx:afterRequest", () => document.body.classList.toggle("busy", --waiting > 0));
  document.addEventListener("htmx:afterSettle", () => {
    personal(document);
    showTimes();
  });
}

/** @param {Element} element where the request came from; a composer says it by itself */
function fail(element) {
  if (!element.closest(".composer")) toast(say("failed"));
}

/** @param {string} text */
function toast(text) {
  const box = document.createElement("div");
  box.className = "toast";
  box.textContent = text;
  document.getElementById("toasts")?.replaceChildren(box);
  setTimeout(() => box.remove(), SHOWN);
  announce(text);
}

/** What other modules have to tell. */
function startSaying() {
  document.addEventListener("desk:say", (event) => toast(/** @type {CustomEvent} */ (event).detail));
}

/** What takes its place in a page by itself, such as a result that took a while, says so. */
function startHearing() {
  document.addEventListener("htmx:load", (event) => {
    const heard = event.target instanceof HTMLElement ? event.target.dataset.heard : "";
    if (heard) announce(heard);
  });
}

/** One at a time, the newest; it goes after a while, but not while somebody is on it. */
function startToasts() {
  document.addEventListener("desk:placed", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLElement) || !box.matches(".toast")) return;
    box.parentElement?.replaceChildren(box);
    announce(box.dataset.say ?? "");
    const leave = () => (box.matches(":hover, :focus-within") ? setTimeout(leave, 1000) : box.remove());
    setTimeout(leave, SHOWN);
  });
}

/** Drawers that small screens open and close. */
function startDrawers() {
  document.addEventListener("click", (event) => {
    const opener = event.target instanceof Element ? event.target.closest("[data-toggle]") : null;
    if (!opener) return;
    event.preventDefault();
    document.getElementById("conversation-pane")?.classList.toggle(opener.getAttribute("data-toggle") ?? "");
  });
}

document.querySelector(".views [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
startTimes();
personal(document);
startDrawers();
startOpening();
startAnswers();
startToasts();
startSaying();
startHearing();
startList();
startFrames();
startComposer();
startCopy();
startKeys();
startHanding();
startCalls();
startWatchers();
startMentioning();
startBell();
startLive();
