// The editor of the routing policy: numbers beside its lines, and the way from an error to its line.

const field = /** @type {HTMLTextAreaElement | null} */ (document.querySelector(".editor textarea"));

/** @param {HTMLTextAreaElement} text @param {number} line from 1 */
function go(text, line) {
  const lines = text.value.split("\n");
  const begins = lines.slice(0, line - 1).reduce((length, each) => length + each.length + 1, 0);
  text.focus();
  text.setSelectionRange(begins, begins + (lines[line - 1] ?? "").length);
  text.scrollTop = (text.scrollHeight / lines.length) * Math.max(0, line - 6);
  text.scrollLeft = 0;
}

/** @param {HTMLTextAreaElement} text */
function start(text) {
  const gutter = document.createElement("pre");
  gutter.className = "gutter";
  gutter.setAttribute("aria-hidden", "true");
  text.before(gutter);
  const wrong = new Set((text.dataset.wrong ?? "").split(" "));
  let shown = 0;
  const number = () => {
    const count = text.value.split("\n").length;
    if (count === shown) return;
    shown = count;
    const marked = Array.from({ length: count }, (_, at) => {
      if (!wrong.has(`${at + 1}`)) return `${at + 1}\n`;
      const mark = document.createElement("b");
      mark.textContent = `${at + 1}`;
      return mark;
    });
    gutter.replaceChildren(...marked);
  };
  text.addEventListener("input", number);
  text.addEventListener("scroll", () => (gutter.scrollTop = text.scrollTop));
  number();
  for (const link of document.querySelectorAll("a[data-line]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      go(text, Number(/** @type {HTMLElement} */ (link).dataset.line));
    });
  }
}

if (field) start(field);
