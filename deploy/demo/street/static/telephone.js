// One telephone: it shows and speaks what the line says, and has keys. What the network knows of it is the truth; this page only shows it.
import { api, element, pause, trouble } from "./page.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const RING_EVERY = 3000;

export class Telephone {
  onChange = () => {};
  #root; #owners; #owner; #view = { version: 0, state: "idle", lines: [] }; #spoken = ""; #options; #following = 0;

  constructor(root, owners, options) {
    this.#root = root;
    this.#owners = owners;
    this.#options = options;
    root.append(document.getElementById("telephone").content.cloneNode(true));
    const name = root.querySelector("h3").textContent;
    this.#part("log").setAttribute("aria-label", `What is said: ${name}`);
    this.#part("keypad").setAttribute("aria-label", `Keypad: ${name}`);
    for (const key of KEYS) {
      const button = element("button", { type: "button", textContent: key });
      button.addEventListener("click", () => this.#press(key));
      this.#part("keypad").append(button);
    }
    for (const button of root.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => this.#do(button.dataset.do));
    }
    root.addEventListener("keydown", (event) => {
      if (KEYS.includes(event.key) && !event.target.matches("input, select, textarea") && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        this.#press(event.key);
      }
    });
    this.#part("say").addEventListener("submit", (event) => {
      event.preventDefault();
      const field = event.target.elements.text;
      if (field.value.trim()) this.#do("say", { text: field.value });
      field.value = "";
    });
    this.#part("aloud").addEventListener("change", () => globalThis.speechSynthesis?.cancel());
    this.#part("who")?.addEventListener("change", (event) => this.#become(event.target.value));
    setInterval(() => this.#ring(), RING_EVERY);
    setInterval(() => this.#tell(), 1000);
  }

  start() {
    this.#become(this.#owners[0].number);
  }

  #part(name) {
    return this.#root.querySelector(`[data-part=${name}]`);
  }

  #become(number) {
    this.#owner = this.#owners.find((one) => one.number === number);
    this.#part("about").textContent = this.#owner.about;
    this.#view = { version: 0, state: "idle", lines: [] };
    this.#spoken = "";
    this.#follow(++this.#following);
  }

  async #follow(turn) {
    const address = `/api/phones/${encodeURIComponent(this.#owner.number)}`;
    let isFirst = true;
    while (turn === this.#following) {
      try {
        const view = await api(`${address}?after=${this.#view.version}`);
        if (turn === this.#following) this.#show(view, isFirst);
        isFirst = false;
      } catch (error) {
        if (turn !== this.#following) return;
        trouble(error.message);
        await pause(1500);
        if (turn === this.#following) this.#view = { ...this.#view, version: 0 };
      }
    }
  }

  async #do(what, body = {}) {
    if (what === "hang-up" || what === "keys") globalThis.speechSynthesis?.cancel();
    try {
      await api(`/api/phones/${encodeURIComponent(this.#owner.number)}/${what}`, body);
      trouble("");
    } catch (error) {
      trouble(error.message);
    }
  }

  #press(key) {
    if (this.#view.state !== "idle" && this.#view.state !== "ringing") this.#do("keys", { keys: key });
  }

  #show(view, isFirst) {
    const isOther = view.since !== this.#view.since;
    const old = isOther ? 0 : this.#view.lines.at(-1)?.n ?? 0;
    const focused = document.activeElement;
    this.#view = view;
    const list = this.#part("log").querySelector("ol");
    if (isOther) list.replaceChildren();
    const fresh = view.lines.filter((line) => line.n > old);
    list.append(...fresh.map((line) => this.#item(line)));
    if (fresh.length) this.#part("log").scrollTop = this.#part("log").scrollHeight;
    if (!isFirst) for (const line of fresh) this.#speak(line);
    if (view.state === "idle") globalThis.speechSynthesis?.cancel();

    const isIdle = view.state === "idle", rings = view.state === "ringing", talks = view.state === "talking";
    this.#root.classList.toggle("rings", rings);
    this.#root.querySelector("[data-do=call]").hidden = Boolean(this.#options.isAgent) || !isIdle;
    this.#root.querySelector("[data-do=pick-up]").hidden = !rings;
    this.#root.querySelector("[data-do=hang-up]").hidden = isIdle;
    this.#root.querySelector("[data-do=hang-up]").textContent = rings ? "Decline" : "Hang up";
    for (const button of this.#part("keypad").children) button.disabled = isIdle || rings;
    this.#part("keypad").hidden = rings || talks || (isIdle && Boolean(this.#options.isAgent));
    this.#part("log").hidden = !view.lines.length;
    this.#part("keypad").classList.toggle("asked", view.wants_key);
    this.#part("say").hidden = !talks;
    if (this.#part("who")) this.#part("who").disabled = !isIdle;
    if (focused && this.#root.contains(focused) && (focused.disabled || focused.closest("[hidden]"))) {
      this.#root.querySelector("[data-do]:not([hidden])")?.focus();
    }
    this.#tell();
    this.onChange(view);
  }

  #item(line) {
    const isKey = line.who === "me" && line.text.length === 1 && KEYS.includes(line.text);
    const item = element("li", { className: isKey ? "me key" : line.who });
    if (line.language) item.lang = line.language;
    if (line.who === "them") item.append(element("span", { className: "who", textContent: this.#options.isAgent ? "The customer" : "The agent" }));
    item.append(isKey ? `Key ${line.text}` : line.text);
    return item;
  }

  #tell() {
    const { state, peer, since, recording, wants_key: asks } = this.#view;
    const clock = since ? `${Math.floor((Date.now() / 1000 - since) / 60)}:${String(Math.max(0, Math.floor(Date.now() / 1000 - since) % 60)).padStart(2, "0")}` : "";
    const words = {
      idle: this.#options.isAgent ? "Waits for a call" : "Hung up",
      calling: `Calls ${peer} …`,
      ringing: `Rings: ${peer}`,
      open: recording ? "The line records you" : asks ? "The line speaks; you can press a key" : "The line speaks",
      waiting: "In line, waiting for a person",
      talking: "You are connected",
    }[state];
    const place = this.#part("state");
    if (place.dataset.words !== words) {
      place.dataset.words = words;
      place.replaceChildren(words, element("span", { className: "clock", ariaHidden: "true" }));
    }
    place.querySelector(".clock").textContent = state === "idle" || !clock ? "" : ` · ${clock}`;
  }

  #speak(line) {
    if (line.who !== "line" && line.who !== "them") return;
    if (!this.#part("aloud").checked || !globalThis.speechSynthesis) return;
    const utterance = new SpeechSynthesisUtterance(line.text);
    utterance.lang = line.language || "en-GB";
    utterance.rate = line.rate ? Math.min(Math.max(parseFloat(line.rate) / 100, 0.5), 1.5) : 1;
    globalThis.speechSynthesis.speak(utterance);
  }

  #ring() {
    if (this.#view.state !== "ringing" || !this.#part("aloud").checked || !globalThis.AudioContext) return;
    const audio = new AudioContext();
    const volume = new GainNode(audio, { gain: 0.08 });
    volume.connect(audio.destination);
    for (const frequency of [440, 480]) {
      const tone = new OscillatorNode(audio, { frequency });
      tone.connect(volume);
      tone.start();
      tone.stop(audio.currentTime + 1);
      tone.onended = () => audio.close().catch(() => {});
    }
  }
}
