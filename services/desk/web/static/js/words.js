// The few words that scripts need, from the same catalogue as the pages: data attributes of `#words`.

const words = document.getElementById("words")?.dataset ?? {};

/** @param {string} key @param {Record<string, string | number>} [values] filled in for `{name}` */
export function say(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}
