// A conversation on its way: of several that were asked for in a hurry the last one is shown, and until then no key acts on another.

/** @type {unknown} what htmx knows of the newest request for the pane, until its answer is on the page */
let newest = null;

/** @param {{target: Element, requestConfig: unknown}} detail */
const isPane = (detail) => detail.target?.id === "conversation-pane";

/** Whether the open conversation is not the one that was asked for. */
export const isLoading = () => newest !== null;

/** Whether an answer may be shown: a conversation that was left for another one before it came is not. @param {{target: Element, requestConfig: unknown}} detail */
export const isNewest = (detail) => !isPane(detail) || detail.requestConfig === newest;

/** Listen. */
export function startOpening() {
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    if (isPane(detail)) newest = detail.requestConfig;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    if (detail.requestConfig === newest) newest = null;
  });
}
