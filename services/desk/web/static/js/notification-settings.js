// Where it is chosen what somebody is told: what this browser allows, and a trial.

import { show } from "./bell.js";
import { sound } from "./ring.js";

/** @param {HTMLElement} section @param {HTMLElement} allow @param {HTMLElement} attempt */
function start(section, allow, attempt) {
  const state = () => {
    const permission = "Notification" in window ? Notification.permission : "none";
    for (const line of /** @type {NodeListOf<HTMLElement>} */ (section.querySelectorAll("[data-permission]"))) {
      line.hidden = line.dataset.permission !== permission;
    }
    allow.hidden = permission !== "default";
    attempt.hidden = permission !== "granted";
    section.hidden = false;
  };
  allow.addEventListener("click", () => void Notification.requestPermission().then(state));
  attempt.addEventListener("click", () => {
    show({ id: "try", seq: 0, ticket: "", title: attempt.dataset.title ?? "", text: attempt.dataset.text ?? "", url: "/me/notifications", sound: true, desktop: true });
    void sound();
  });
  const zone = document.createElement("option");
  zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  document.getElementById("own-zone")?.append(zone);
  state();
}

const [section, allow, attempt] = ["browser-notices", "allow-desktop", "try-notice"].map((id) => document.getElementById(id));
if (section && allow && attempt) start(section, allow, attempt);
