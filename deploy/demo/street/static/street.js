// The street's page: tabs by the address, and what each of them shows.
import { Telephone } from "./telephone.js";
import { api, element, shown, trouble } from "./page.js";
import { posts } from "./posts.js";
import { mails } from "./mails.js";
import { texts } from "./texts.js";

const TABS = ["call", "text", "post", "mail", "chat"];
const street = await api("/api/street");

document.title = `The street · ${street.company}`;
document.getElementById("desk").href = `${street.desk}/inbox/all`;
for (const [id, query] of [["contact", ""], ["contact-fr", "?lang=fr"], ["contact-ko", "?lang=ko"]]) {
  document.getElementById(id).href = street.contact + query;
}

const customers = street.telephones.map((one) => element("option", { value: one.number, textContent: `${one.name} · ${one.number}` }));
for (const select of document.querySelectorAll("#customer select, #text-who")) {
  select.replaceChildren(...customers.map((one) => one.cloneNode(true)));
}
const options = { line: street.line, company: street.company };
const customer = new Telephone(document.getElementById("customer"), street.telephones, options);
const agent = new Telephone(document.getElementById("agent"), street.agents, { ...options, isAgent: true });
agent.onChange = (view) => {
  const bell = document.getElementById("bell");
  bell.hidden = view.state !== "ringing" || shown("call");
  bell.replaceChildren("The agent’s telephone rings. ", element("a", { href: "#call", textContent: "Go to it" }));
};
customer.start();
agent.start();
texts(street);
posts(street);
mails(street);

function turn() {
  const [wanted] = location.hash.slice(1).split("-");
  if (wanted === "main") return;
  const tab = TABS.includes(wanted) ? wanted : "call";
  for (const name of TABS) document.getElementById(name).hidden = name !== tab;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${tab}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  window.scrollTo(0, 0);
  document.dispatchEvent(new CustomEvent("turned", { detail: tab }));
}
window.addEventListener("hashchange", turn);
turn();
trouble("");
