// The title of the tab: what rings or is offered takes all of it, else it is the page's own, with the number of what is unread.

/** @type {Record<string, string>} */
const layers = { call: "", offer: "" };
let page = document.title;
let unread = 0;
let wanted = page;

function show() {
  wanted = layers.call || layers.offer || (unread ? `(${unread > 99 ? "99+" : unread}) ${page}` : page);
  if (document.title !== wanted) document.title = wanted;
}

/** Whoever looks at another tab sees it there. @param {"call" | "offer"} layer @param {string} text empty: no more */
export function entitle(layer, text) {
  layers[layer] = text;
  show();
}

/** @param {number} count */
export function countInTitle(count) {
  unread = count;
  show();
}

// Another conversation brings its own title.
const element = document.querySelector("title");
if (element) {
  new MutationObserver(() => {
    if (document.title === wanted) return;
    page = document.title;
    show();
  }).observe(element, { childList: true });
}
