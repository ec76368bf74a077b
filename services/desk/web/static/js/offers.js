// Conversations that are offered: how long each stays is counted for the eye, and said aloud three times.

import { announce } from "./fragments.js";
import { sound } from "./ring.js";
import { entitle } from "./title.js";
import { say } from "./words.js";

/** Seconds left at which it is said aloud once more, with a sound. */
const ALOUD = [10, 5];
/** Milliseconds from the end of an offer until the server is asked what became of it. */
const LATE = 1500;

/** What is on this page, by id: when it ends (`performance.now`), and the seconds that were last shown. @type {Map<string, {until: number, shown: number}>} */
const offers = new Map();
let timer = 0;

/** After each change of the agent's own part. @param {ParentNode} place @param {() => void} lapsed */
export function offer(place, lapsed) {
  const found = /** @type {HTMLElement[]} */ ([...place.querySelectorAll("[data-offer]")]);
  for (const id of offers.keys()) if (!found.some((each) => each.id === id)) offers.delete(id);
  for (const { id, dataset } of found) {
    if (!offers.has(id)) offers.set(id, { until: performance.now() + Number(dataset.left) * 1000, shown: 0 });
  }
  entitle("offer", found[0] ? `${found[0].getAttribute("aria-label")} · Switchboard` : "");
  clearInterval(timer);
  timer = found.length ? window.setInterval(() => count(lapsed), 250) : 0;
  count(lapsed);
}

/** @param {() => void} lapsed */
function count(lapsed) {
  for (const [id, each] of offers) {
    const section = document.getElementById(id);
    const seen = section?.querySelector("[data-countdown]");
    if (!section || !seen) continue;
    const left = Math.max(0, Math.ceil((each.until - performance.now()) / 1000));
    const text = say("acceptWithin", { n: left });
    if (seen.textContent !== text) seen.textContent = text;
    if (left === each.shown) continue;
    if (left > 0 && (!each.shown || ALOUD.includes(left))) {
      announce(`${section.dataset.offer}, ${text}`);
      void sound();
    }
    if (left === 0) {
      section.hidden = true;
      setTimeout(lapsed, LATE);
    }
    each.shown = left;
  }
}
