// One stream per browser, shared by all its tabs: browsers allow only six connections to a host over HTTP/1.1.

import { Stream } from "./stream.js";

/** How many events a tab may be behind when it comes; one that is further behind fetches its panes again. */
const KEPT = 300;

/** @type {Set<MessagePort>} */
const ports = new Set();
/** @type {import("./stream.js").LiveEvent[]} */
const recent = [];
/** @type {Stream | null} */
let stream = null;
/** `recent` is complete after this number. */
let complete = 0;
let state = { name: "connecting", at: Date.now() };

/** @param {unknown} message */
function tell(message) {
  ports.forEach((port) => port.postMessage(message));
}

/** @type {import("./stream.js").Listener} */
const listener = {
  onEvent(event) {
    if (event.seq) recent.push(event); // what has no number is of this moment only
    if (event.topic === "reset") complete = recent.splice(0).at(-1)?.seq ?? 0;
    else if (recent.length > KEPT) complete = recent.shift()?.seq ?? 0;
    tell({ event });
  },
  onState(name) {
    if (name === "live") state.at = Date.now();
    if (state.name === name) return;
    state = { name, at: state.at };
    if (name === "signed-out") stream = null;
    tell({ state });
  },
};

/** @param {MessagePort} port @param {{url: string, after: number, bye?: boolean}} message */
function onMessage(port, { url, after, bye }) {
  if (bye) {
    ports.delete(port);
    return;
  }
  ports.add(port);
  if (!stream) {
    recent.length = 0;
    complete = after;
    stream = new Stream(url, after, listener);
    void stream.run();
    return;
  }
  port.postMessage({ state });
  if (after < complete) port.postMessage({ event: { seq: complete, topic: "reset" } });
  else recent.filter((event) => event.seq > after).forEach((event) => port.postMessage({ event }));
}

self.addEventListener("connect", (connect) => {
  const port = /** @type {MessageEvent} */ (connect).ports[0];
  if (port) port.onmessage = ({ data }) => onMessage(port, data);
});
