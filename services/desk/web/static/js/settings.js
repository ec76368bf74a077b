// Finds settings while somebody types; without it the form asks the desk.

const field = /** @type {HTMLInputElement | null} */ (document.querySelector("#q"));
const places = document.getElementById("places");
const nothing = document.getElementById("nothing");

field?.addEventListener("input", () => {
  const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of places?.querySelectorAll("li") ?? []) {
    const text = (item.textContent ?? "").toLowerCase();
    item.hidden = !wanted.every((word) => text.includes(word));
  }
  for (const group of places?.querySelectorAll("section") ?? []) group.hidden = !group.querySelector("li:not([hidden])");
  const empty = !places?.querySelector("li:not([hidden])");
  if (nothing) nothing.textContent = empty ? (places?.dataset.nothing ?? "") : "";
});
