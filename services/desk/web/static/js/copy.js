// A button that copies a line, so that nobody has to retype an id.

import { announce } from "./fragments.js";
import { say } from "./words.js";

/** Listen on the page. */
export function startCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
    const source = document.getElementById(button?.getAttribute("data-copy") ?? "");
    const label = button?.firstChild;
    if (!source || !label) return;
    let told = "copied";
    try {
      await navigator.clipboard.writeText(source.textContent ?? "");
    } catch {
      getSelection()?.selectAllChildren(source); // no clipboard without https, or it was denied
      told = "copyByHand";
    }
    const before = label.textContent;
    label.textContent = say(told);
    announce(say(told));
    setTimeout(() => (label.textContent = before), 2500);
  });
}
