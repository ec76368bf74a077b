// Names of colleagues, as a note mentions them: `@` and a few letters, then one of a list.

const TYPED = /(?:^|[^\w.@+-])@([\p{L}\w.+-]{0,40})$/u;
/** Milliseconds without a key until somebody is looked for. */
const PAUSE = 120;

let timer = 0;
let asked = 0;

const list = () => document.getElementById("colleagues");
const options = () => /** @type {HTMLElement[]} */ ([...(list()?.children ?? [])]);
const chosen = () => options().find((option) => option.ariaSelected === "true");

/** @param {EventTarget | null} target @returns {HTMLTextAreaElement | null} the text of a note */
function noteOf(target) {
  const isText = target instanceof HTMLTextAreaElement && target.closest(".composer form");
  return isText && target.form && new FormData(target.form).get("mode") === "note" ? target : null;
}

/** @param {HTMLTextAreaElement} text */
const typed = (text) => TYPED.exec(text.value.slice(0, text.selectionStart))?.[1];

function close() {
  clearTimeout(timer);
  asked += 1;
  const found = list();
  if (!found || found.hidden) return;
  found.hidden = true;
  found.replaceChildren();
  document.getElementById("text")?.removeAttribute("aria-activedescendant");
}

/** @param {HTMLElement | undefined} option */
function mark(option) {
  for (const other of options()) other.ariaSelected = String(other === option);
  if (option) document.getElementById("text")?.setAttribute("aria-activedescendant", option.id);
}

/** @param {HTMLTextAreaElement} text @param {string} letters */
async function propose(text, letters) {
  const own = (asked += 1);
  const answer = await fetch(`/colleagues?q=${encodeURIComponent(letters)}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  const found = answer?.ok ? await answer.json() : [];
  const place = list();
  if (own !== asked || !place || typed(text) !== letters) return;
  if (!found.length) {
    close();
    return;
  }
  place.replaceChildren(
    ...found.map((/** @type {{handle: string, name: string}} */ { handle, name }, /** @type {number} */ at) => {
      const option = document.createElement("li");
      option.id = `colleague-${at}`;
      option.role = "option";
      option.dataset.handle = handle;
      option.textContent = name ? `${name} @${handle}` : `@${handle}`;
      return option;
    }),
  );
  place.hidden = false;
  mark(options()[0]);
}

/** @param {HTMLTextAreaElement} text @param {HTMLElement} option */
function take(text, option) {
  const letters = typed(text) ?? "";
  const end = text.selectionStart;
  text.setRangeText(`${option.dataset.handle} `, end - letters.length, end, "end");
  close();
  text.dispatchEvent(new Event("input", { bubbles: true }));
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const text = noteOf(event.target);
  const now = chosen();
  if (!text || !now || list()?.hidden || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = options();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) mark(all[(all.indexOf(now) + step + all.length) % all.length]);
  else if (event.key === "Enter" || event.key === "Tab") take(text, now);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Listen. */
export function startMentioning() {
  document.addEventListener("input", (event) => {
    const text = noteOf(event.target);
    const letters = text ? typed(text) : undefined;
    if (!text || letters === undefined) {
      close();
      return;
    }
    clearTimeout(timer);
    timer = window.setTimeout(() => void propose(text, letters), PAUSE);
  });
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("pointerdown", (event) => {
    const option = event.target instanceof Element ? event.target.closest("#colleagues [data-handle]") : null;
    const text = document.getElementById("text");
    if (!(option instanceof HTMLElement) || !(text instanceof HTMLTextAreaElement)) return;
    event.preventDefault();
    take(text, option);
  });
  document.addEventListener("focusout", (event) => noteOf(event.target) && close());
}
