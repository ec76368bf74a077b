// The supervisor's page: what the server rendered takes its place, and conversations are dragged to people and queues.

import { takeHtml } from "./fragments.js";
import { picked } from "./handing.js";
import { Stream } from "./stream.js";
import { showTimes } from "./times.js";

const page = /** @type {HTMLElement} */ (document.getElementById("main"));
/** What is dragged, and what came meanwhile: nothing moves under the pointer. @type {{tickets: string[], was: string[], html: string} | null} */
let dragged = null;

/** @param {string} html */
function show(html) {
  if (dragged) {
    dragged.html = html;
    return;
  }
  takeHtml(html);
  showTimes(page);
}

/** @param {string} ticket */
const holder = (ticket) => page.querySelector(`.work[data-ticket="${CSS.escape(ticket)}"]`)?.getAttribute("data-assignee") ?? "";

/** @param {EventTarget | null} target */
const placeOf = (target) => (target instanceof Element ? target.closest("[data-drop]") : null);

function startDragging() {
  page.addEventListener("dragstart", (event) => {
    const work = event.target instanceof Element ? event.target.closest(".work") : null;
    const ticket = work?.getAttribute("data-ticket");
    if (!ticket || !event.dataTransfer) return;
    const tickets = picked().includes(ticket) ? picked() : [ticket];
    dragged = { tickets, was: tickets.map(holder), html: "" };
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", ticket);
    page.classList.add("dragging");
  });
  page.addEventListener("dragover", (event) => {
    const place = placeOf(event.target);
    if (!dragged || !place) return;
    event.preventDefault();
    for (const each of page.querySelectorAll(".over")) if (each !== place) each.classList.remove("over");
    place.classList.add("over");
  });
  page.addEventListener("drop", (event) => {
    const to = placeOf(event.target)?.getAttribute("data-drop");
    if (!dragged || !to) return;
    event.preventDefault();
    const values = { ticket: dragged.tickets, was: dragged.was, to };
    window.htmx.ajax("POST", "/hand-over", { source: "#apply", target: "#apply", values }).catch(() => {}); // app.js says it
  });
  page.addEventListener("dragend", () => {
    const html = dragged?.html ?? "";
    dragged = null;
    page.classList.remove("dragging");
    for (const each of page.querySelectorAll(".over")) each.classList.remove("over");
    if (html) show(html);
  });
}

/** One stream for all such pages of this browser. */
function connect() {
  const url = page.dataset.live ?? "";
  const after = Number(page.dataset.after ?? 0);
  if ("SharedWorker" in window) {
    const name = `desk-supervisor-${document.documentElement.lang}`;
    const worker = new SharedWorker(new URL("./live-worker.js", import.meta.url), { type: "module", name });
    worker.port.onmessage = ({ data }) => {
      if (data.state?.name === "signed-out") location.reload();
      if (data.event) show(data.event.html ?? "");
    };
    const hello = () => worker.port.postMessage({ url, after });
    hello();
    addEventListener("pagehide", () => worker.port.postMessage({ bye: true }));
    addEventListener("pageshow", (event) => event.persisted && hello());
    return;
  }
  /** @type {Stream | null} */
  let stream = null;
  const follow = () => {
    stream?.stop();
    stream = document.hidden ? null : new Stream(url, after, { onEvent: (event) => show(event.html ?? ""), onState: (name) => name === "signed-out" && location.reload() });
    void stream?.run();
  };
  document.addEventListener("visibilitychange", follow);
  follow();
}

startDragging();
connect();
