// What happens at the desk, shown as it happens; after a break nothing is missing.

import { morph, personal, takeHtml } from "./fragments.js";
import { takeCounts } from "./list.js";
import { Stream } from "./stream.js";
import { ago, showTimes } from "./times.js";
import { say } from "./words.js";

/** @typedef {import("./stream.js").LiveEvent} LiveEvent */

/** Events that may have come while a pane was on its way from the server. */
const KEPT = 100;
/** Milliseconds between two looks at a page that time changes, and what others do. */
const REFRESH = 5000;

const page = document.body.dataset;
const url = page.live ?? "";
/** @type {LiveEvent[]} */
const recent = [];
let after = Number(page.after ?? 0);
/** @type {{name: string, at: number}} */
let state = { name: "connecting", at: Date.now() };
let refreshing = false;
let waiting = "";
let scheduled = false;

/** The number of the last event that this page shows. */
export const newest = () => after;

/** @param {LiveEvent} event */
function onEvent(event) {
  if (event.topic === "counts") {
    takeCounts(event.data ?? {});
    return;
  }
  if (event.topic === "watchers") {
    document.dispatchEvent(new CustomEvent("desk:watchers", { detail: event.data }));
    return;
  }
  if (event.topic === "bell") {
    document.dispatchEvent(new CustomEvent("desk:bell", { detail: event.data }));
    return;
  }
  if (event.topic === "reset") {
    void refresh();
    return;
  }
  if (event.seq <= after) return;
  after = event.seq;
  recent.push(event);
  if (recent.length > KEPT) recent.shift();
  waiting += event.html ?? "";
  if (event.data) document.dispatchEvent(new CustomEvent("desk:event", { detail: event.data }));
  // In a flood many events make one change of the page, and nobody sees more often than the screen is drawn.
  if (!scheduled) {
    scheduled = true;
    if (document.hidden) setTimeout(show, 200);
    else requestAnimationFrame(show);
  }
}

function show() {
  const html = waiting;
  waiting = "";
  scheduled = false;
  takeHtml(html);
}

/** Fetch this page again and bring its panes up to date, without touching what is being written. */
async function refresh() {
  if (refreshing) return;
  refreshing = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.redirected) location.assign(answer.url);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const element of fresh.querySelectorAll("[data-pane]")) {
      const old = document.getElementById(element.id);
      if (old) {
        morph(old, element);
        window.htmx.process(old);
      }
    }
    after = Math.max(after, Number(fresh.body.dataset.after ?? 0));
    recent.filter((event) => event.seq > Number(fresh.body.dataset.after ?? 0)).forEach((event) => takeHtml(event.html ?? ""));
    showTimes();
    personal(document);
  } finally {
    refreshing = false;
  }
}

/** A pane came by itself: apply what happened since it was rendered. @param {Element} pane */
function catchUp(pane) {
  const rendered = Number(pane.getAttribute("data-after") ?? after);
  recent.filter((event) => event.seq > rendered).forEach((event) => takeHtml(event.html ?? ""));
}

/** @param {{name: string, at: number}} fresh */
function onState(fresh) {
  if (fresh.name === "signed-out") location.assign("/login");
  state = fresh;
  showState();
}

function showState() {
  const dot = document.getElementById("live");
  if (!dot) return;
  const lost = state.name === "lost";
  const text = lost ? say("lost", { ago: ago(new Date(state.at)) }) : say(state.name === "live" ? "live" : "connecting");
  dot.dataset.state = state.name;
  const said = dot.querySelector("[role=status]");
  const seen = dot.querySelector("[aria-hidden]");
  // Said once for each change; the seconds go on counting only for the eye.
  if (said && said.getAttribute("data-said") !== state.name) {
    said.textContent = text;
    said.setAttribute("data-said", state.name);
  }
  if (seen && seen.textContent !== text) seen.textContent = text;
}

function connectWorker() {
  const language = document.documentElement.lang;
  const worker = new SharedWorker(new URL("./live-worker.js", import.meta.url), { type: "module", name: `desk-live-${language}` });
  worker.port.onmessage = ({ data }) => {
    if (data.state) onState(data.state);
    if (data.event) onEvent(data.event);
  };
  const hello = () => worker.port.postMessage({ url, after });
  hello();
  addEventListener("pagehide", () => worker.port.postMessage({ bye: true }));
  addEventListener("pageshow", (event) => event.persisted && hello());
}

/** Where there is no SharedWorker: a stream for this tab, while somebody looks at it. */
function connectTab() {
  /** @type {Stream | null} */
  let stream = null;
  const listener = { onEvent, onState: (/** @type {string} */ name) => onState({ name, at: name === "live" ? Date.now() : state.at }) };
  const follow = () => {
    stream?.stop();
    stream = document.hidden ? null : new Stream(url, after, listener);
    void stream?.run();
  };
  document.addEventListener("visibilitychange", follow);
  follow();
}

/** Connect. */
export function startLive() {
  if (!url) return;
  if ("SharedWorker" in window) connectWorker();
  else connectTab();
  setInterval(showState, 1000);
  document.addEventListener("desk:stale", () => void refresh());
  if (document.querySelector("[data-refresh]")) setInterval(() => !document.hidden && void refresh(), REFRESH);
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target instanceof Element && event.target.matches("[data-after]")) catchUp(event.target);
  });
}
