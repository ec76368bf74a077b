// Times in the reader's own zone and language. The server writes UTC; this makes it "12 min" or "9:10".

const shown = document.documentElement.lang || "en";
/** The reader's own kind of English, say: 14:05 or 2:05 PM. */
const language = navigator.languages.find((code) => code.startsWith(shown)) ?? shown;
/** "-12 min" is what narrow French says. */
const relative = new Intl.RelativeTimeFormat(language, { style: shown === "fr" ? "short" : "narrow", numeric: "auto" });
const clock = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
const full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" });

/** @type {[number, Intl.RelativeTimeFormatUnit][]} seconds below which a unit fits */
const STEPS = [[60, "second"], [3600, "minute"], [86_400, "hour"], [604_800, "day"], [2_592_000, "week"], [31_536_000, "month"]];

/** @param {Date} at @param {number} now */
export function ago(at, now = Date.now()) {
  const seconds = Math.round((at.getTime() - now) / 1000);
  let size = 1;
  for (const [limit, unit] of STEPS) {
    if (Math.abs(seconds) < limit) return relative.format(Math.trunc(seconds / size), unit);
    size = limit;
  }
  return relative.format(Math.trunc(seconds / 31_536_000), "year");
}

/** Write every `<time data-as>` below `root` anew. @param {ParentNode} [root] */
export function showTimes(root = document) {
  const today = new Date().toDateString();
  for (const element of /** @type {NodeListOf<HTMLTimeElement>} */ (root.querySelectorAll("time[data-as]"))) {
    const at = new Date(element.dateTime);
    const text = element.dataset.as === "ago" ? ago(at) : (at.toDateString() === today ? clock : day).format(at);
    if (element.textContent !== text) element.textContent = text;
    element.title = full.format(at);
  }
}

/** Keep them right. */
export function startTimes() {
  showTimes();
  setInterval(showTimes, 20_000);
}
