// Text messages of one of the customers' telephones.
import { api, element, onSend, whileShown } from "./page.js";

export function texts() {
  const who = document.getElementById("text-who"), log = document.getElementById("texts"), form = document.getElementById("text-form");
  let seen = "";
  const look = whileShown("text", 1500, async () => {
    const view = await api(`/api/phones/${encodeURIComponent(who.value)}`);
    const now = JSON.stringify([view.number, view.texts]);
    if (now === seen) return;
    seen = now;
    const items = view.texts.map((one) => element("li", { className: one.mine ? "me" : "them", textContent: one.text }));
    const nothing = element("li", { className: "event", textContent: "No text messages yet." });
    log.querySelector("ol").replaceChildren(...(items.length ? items : [nothing]));
    log.scrollTop = log.scrollHeight;
  });
  who.addEventListener("change", look);
  onSend(form, async ({ text }) => {
    await api(`/api/phones/${encodeURIComponent(who.value)}/text`, { text });
    form.reset();
    await look();
  });
}
