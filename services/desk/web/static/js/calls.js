// The agent's own call: every tab shows it, and no tab goes on ringing when it is over.

import { takeHtml } from "./fragments.js";
import { offer } from "./offers.js";
import { ring } from "./ring.js";

const NOTES = "call-notes:";
/** The call whose conversation this tab opens as soon as it is known: here somebody pressed Answer. */
const POP = "call-pop";
/** Milliseconds after which a line that was away is asked again. */
const RETRY = 2000;

const place = () => document.getElementById("my-call");
let asking = false;
let again = false;

/** Fetch the agent's own part of the line; what changed meanwhile is asked for once more. */
async function ask() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  try {
    do {
      again = false;
      const answer = await fetch("/calls/mine", { headers: { "HX-Request": "true" }, cache: "no-store" });
      if (answer.status === 401) location.assign("/login");
      if (!answer.ok) throw new Error(String(answer.status));
      takeHtml(await answer.text());
    } while (again);
  } catch {
    setTimeout(ask, RETRY);
  } finally {
    asking = false;
  }
}

/** Whether something that happened on the line is about this agent. @param {Record<string, unknown>} data */
function isMine(data) {
  const me = document.body.dataset.me;
  const shown = place()?.dataset.call;
  return data.agent === me || data.offered_to === me || (Boolean(shown) && data.call_id === shown);
}

/** Shows a conversation beside the list, else as a page. @param {string} url */
export function open(url) {
  const pane = document.getElementById("conversation-pane");
  if (!pane) location.assign(url);
  else if (pane.querySelector(".conversation")?.getAttribute("data-ticket") !== url.replace("/c/", "")) {
    const link = document.createElement("a");
    link.href = url;
    for (const [name, value] of [["get", url], ["target", "#conversation-pane"], ["swap", "outerHTML"], ["push-url", "true"]]) {
      link.setAttribute(`hx-${name}`, value ?? "");
    }
    link.hidden = true;
    document.body.append(link);
    window.htmx.process(link);
    link.click();
    document.addEventListener("htmx:afterSettle", () => link.remove(), { once: true });
  }
}

/** @param {string} key @param {string | null} [value] empty forgets it */
function memory(key, value) {
  try {
    if (value) sessionStorage.setItem(key, value);
    else if (value !== undefined) sessionStorage.removeItem(key);
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Notes that were begun, in this tab. @param {ParentNode} root */
function restoreNotes(root) {
  const form = root.querySelector("[data-notes]");
  const text = form?.querySelector("textarea");
  if (form && text && !text.value) text.value = memory(NOTES + form.getAttribute("data-notes")) ?? "";
}

/** After each change of the agent's own part, however it came. */
function settle() {
  const own = place();
  if (!own) return;
  ring(own.querySelector("dialog"), ask);
  offer(own, ask);
  restoreNotes(own);
  const { call, url, phase } = own.dataset;
  const wanted = memory(POP);
  if (wanted && url && phase !== "offered" && (wanted === call || wanted === url)) {
    memory(POP, "");
    open(url);
  } else if (wanted && !call) memory(POP, "");
}

/** Listen. */
export function startCalls() {
  const own = place();
  if (!own) return;
  new MutationObserver(settle).observe(own, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-left", "data-phase", "data-url"] });
  settle();
  document.addEventListener("desk:event", (event) => {
    if (isMine(/** @type {CustomEvent} */ (event).detail)) void ask();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.dataset.pop === undefined) return;
    memory(POP, form.dataset.pop || new URL(form.action).pathname.replace(/\/call$/, ""));
  });
  document.addEventListener("desk:sent", (event) => {
    const form = event.target instanceof Element ? event.target.closest("form") : null;
    form?.closest("dialog")?.close();
    if (form?.dataset.notes) memory(NOTES + form.dataset.notes, "");
  });
  document.addEventListener("desk:failed", (event) => {
    const form = event.target instanceof Element ? event.target.closest("form") : null;
    if (form?.dataset.pop !== undefined) memory(POP, "");
    if (form?.closest("#my-call")) void ask();
  });
  document.addEventListener("input", (event) => {
    const form = event.target instanceof HTMLTextAreaElement ? event.target.closest("form") : null;
    if (form?.dataset.notes && event.target instanceof HTMLTextAreaElement) memory(NOTES + form.dataset.notes, event.target.value);
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("#my-call a[data-open]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link.pathname);
  });
}
