// What every part of the street uses.

/** JSON from the street's server; throws an Error whose message can be shown. */
export async function api(path, body) {
  const options = body ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) } : {};
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The demonstration does not answer. Is `make demo` still running?");
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const detail = Array.isArray(found.detail) ? found.detail.map((one) => `${one.loc.at(-1)}: ${one.msg}`).join("; ") : found.detail;
    throw new Error(detail || `The street answered ${answer.status}.`);
  }
  return found;
}

/** An element with properties and children; text is only ever set as text. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** Say what went wrong, or take it back. */
export function trouble(text) {
  const place = document.getElementById("trouble");
  place.textContent = text;
  place.hidden = !text;
}

export const shown = (tab) => !document.getElementById(tab).hidden;
export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Ask again and again while this tab is open. */
export function whileShown(tab, milliseconds, look) {
  let looking = false;
  const once = async () => {
    if (looking || !shown(tab) || document.hidden) return;
    looking = true;
    try {
      await look();
      trouble("");
    } catch (error) {
      trouble(error.message);
    }
    looking = false;
  };
  setInterval(once, milliseconds);
  document.addEventListener("turned", once);
  return once;
}

/** A form that is sent as JSON, keeps what was written when that fails, and says so. */
export function onSend(form, send) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await send(Object.fromEntries(new FormData(form)));
      trouble("");
    } catch (error) {
      trouble(`${error.message} Your text is kept.`);
    }
    button.disabled = false;
  });
}

export const since = (seconds) => {
  const passed = Math.max(0, Math.round(Date.now() / 1000 - seconds));
  return passed < 60 ? "just now" : passed < 3600 ? `${Math.floor(passed / 60)} min ago` : `${Math.floor(passed / 3600)} h ago`;
};
