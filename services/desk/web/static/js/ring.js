// A call that is offered: a dialog with a countdown, its name in the title of the tab, and a soft sound.

import { entitle } from "./title.js";
import { say } from "./words.js";

/** An Enter that was on its way into a text answers nothing: milliseconds. */
const TYPING = 700;
/** Seconds left at which the countdown is said aloud; it counts for the eye all the time. */
const ALOUD = [10, 5];
/** Milliseconds from the end of an offer until the server is asked what became of it. */
const LATE = 1500;
const BEAT = 3000;

/** @type {{dialog: HTMLDialogElement, until: number, shown: number, timer: number, lapsed: () => void} | null} */
let ringing = null;
let heard = 0;

/** Show what rings, or nothing any more. @param {HTMLDialogElement | null} dialog @param {() => void} lapsed */
export function ring(dialog, lapsed) {
  if (ringing && ringing.dialog !== dialog) quiet();
  if (!dialog) return;
  const until = performance.now() + Number(dialog.dataset.left ?? 0) * 1000;
  if (ringing) {
    if (dialog.dataset.seen !== dialog.dataset.left) ringing.until = until;
    dialog.dataset.seen = dialog.dataset.left;
    return;
  }
  ringing = { dialog, until, shown: performance.now(), timer: window.setInterval(count, 250), lapsed };
  dialog.dataset.seen = dialog.dataset.left;
  entitle("call", `${say("calling", { name: dialog.dataset.name ?? "" })} · Switchboard`);
  dialog.addEventListener("keydown", onKey);
  if (!dialog.open) dialog.showModal();
  count();
}

function quiet() {
  if (!ringing) return;
  clearInterval(ringing.timer);
  entitle("call", "");
  if (ringing.dialog.open) ringing.dialog.close();
  ringing = null;
}

/** Enter answers, wherever the focus is in the dialog, except on another button. @param {KeyboardEvent} event */
function onKey(event) {
  if (event.key !== "Enter" || event.isComposing || !ringing) return;
  if (event.target instanceof Element && event.target.closest("button, a")) return;
  event.preventDefault();
  if (event.repeat || performance.now() - ringing.shown < TYPING) return;
  const form = ringing.dialog.querySelector("form.answer");
  if (form instanceof HTMLFormElement) form.requestSubmit();
}

function count() {
  if (!ringing) return;
  const { dialog, until, lapsed } = ringing;
  const left = Math.max(0, Math.ceil((until - performance.now()) / 1000));
  const text = say("secondsLeft", { n: left });
  const seen = dialog.querySelector("[data-countdown]");
  if (seen && seen.textContent !== text) seen.textContent = text;
  const said = dialog.querySelector("[role=status]");
  if (said && ALOUD.includes(left) && said.textContent !== text) said.textContent = text;
  if (left > 0) {
    if (performance.now() - heard > BEAT) {
      heard = performance.now();
      void sound();
    }
  } else if (dialog.open) {
    dialog.close();
    setTimeout(lapsed, LATE);
  }
}

/** Two soft tones, in one tab only, where sound is wanted and the browser allows it because somebody has used the page. */
export async function sound() {
  if (document.body.dataset.sound === "off" || !navigator.userActivation?.hasBeenActive || !navigator.locks) return;
  await navigator.locks.request("desk-ring", { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    const audio = new AudioContext();
    for (const [at, pitch] of [[0, 523], [0.35, 659]]) {
      const tone = audio.createOscillator();
      const loud = audio.createGain();
      const start = audio.currentTime + (at ?? 0);
      tone.frequency.value = pitch ?? 523;
      loud.gain.setValueAtTime(0, start);
      loud.gain.linearRampToValueAtTime(0.08, start + 0.04);
      loud.gain.exponentialRampToValueAtTime(0.001, start + 0.9);
      tone.connect(loud).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 1);
    }
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await audio.close();
  });
}
