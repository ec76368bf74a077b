// Mails: in by SMTP, and what the desk sent back.
import { api, element, onSend, since, whileShown } from "./page.js";

export function mails(street) {
  const form = document.getElementById("mail-form"), list = document.getElementById("mails"), anew = document.getElementById("new-mail");
  const nothing = document.getElementById("no-mails"), seen = new Set();
  let answered = null;
  form.elements.to.value = street.mailbox;

  const begin = (mail) => {
    answered = mail ? { id: mail.id, references: mail.references } : null;
    form.elements.to.value = mail ? mail.answer_to : street.mailbox;
    form.elements.subject.value = mail ? mail.subject.replace(/^(re: )?/i, "Re: ") : "";
    if (mail) form.elements.address.value = mail.to.replace(/^.*<|>.*$/g, "");
    if (mail) form.elements.name.value = mail.to.includes("<") ? mail.to.replace(/\s*<.*$/, "").replaceAll('"', "") : "";
    anew.hidden = !mail;
    form.elements.text.focus();
  };
  anew.addEventListener("click", () => begin(null));

  const letter = (mail) => {
    const answer = element("button", { type: "button", className: "button", textContent: "Reply" });
    answer.addEventListener("click", () => begin(mail));
    return element("details", { className: "letter", open: seen.size === 0 },
      element("summary", { textContent: mail.subject || "No subject" }),
      element("p", { className: "meta", textContent: `To ${mail.to} · ${since(mail.at)}` }),
      element("p", { className: "body", textContent: mail.text }), answer);
  };
  const look = whileShown("mail", 2000, async () => {
    for (const mail of (await api("/api/mails")).reverse()) {
      if (seen.has(mail.id)) continue;
      list.prepend(letter(mail));
      seen.add(mail.id);
    }
    nothing.hidden = seen.size > 0;
  });
  onSend(form, async (mail) => {
    await api("/api/mails", answered ? { ...mail, answers: answered } : mail);
    form.elements.text.value = "";
    begin(null);
    await look();
  });
}
