// X as people see it: posts, and the company's answers below them.
import { api, element, onSend, since, whileShown } from "./page.js";

export function posts(street) {
  const handle = `@${street.company.toLowerCase()}`;
  document.getElementById("handle").textContent = handle;
  const form = document.getElementById("post-form"), list = document.getElementById("posts");
  form.elements.text.value = `${handle} my parcel never came and nobody answers my mails. I want my money back!`;

  const item = (post, answers) => {
    const meta = element("p", { className: "meta" }, element("b", { textContent: post.name }),
      ` @${post.username} · ${post.followers.toLocaleString()} followers · ${since(post.at)}`);
    const made = element("li", { id: `post-${post.id}` }, meta, element("p", { textContent: post.text }));
    if (isSought(made)) made.setAttribute("aria-current", "true");
    if (answers.length) made.append(element("ol", { ariaLabel: "Answers" }, ...answers));
    return made;
  };
  const isSought = (made) => location.hash === `#${made.id}`;
  let brought = "";
  const look = whileShown("post", 1500, async () => {
    const all = (await api("/api/posts")).posts;
    const known = new Set(all.map((post) => post.id));
    const below = (post) => all.filter((one) => one.answers === post.id).reverse().map((one) => item(one, below(one)));
    const threads = all.filter((post) => !post.answers || !known.has(post.answers));
    list.replaceChildren(...threads.map((post) => item(post, below(post))));
    if (brought !== location.hash) list.querySelector("[aria-current]")?.scrollIntoView({ block: "center" });
    brought = location.hash;
  });
  onSend(form, async (post) => {
    await api("/api/posts", { ...post, followers: Number(post.followers) });
    form.elements.text.value = "";
    await look();
  });
}
