// A Cloudflare Email Worker that hands each mail over to Switchboard as it came, signed. Two variables:
// URL, such as https://hooks.example.org/webhooks/cloudflare, and the secret SECRET, which is EMAIL_CLOUDFLARE_SECRET.
const bytes = (text) => new TextEncoder().encode(text);

export default {
  async email(message, env) {
    const raw = new Uint8Array(await new Response(message.raw).arrayBuffer());
    const timestamp = String(Math.floor(Date.now() / 1000));
    const [sender, recipient] = [encodeURIComponent(message.from), encodeURIComponent(message.to)];
    const head = bytes(`${timestamp}\n${sender}\n${recipient}\n`);
    const signed = new Uint8Array(head.length + raw.length);
    signed.set(head);
    signed.set(raw, head.length);
    const key = await crypto.subtle.importKey("raw", bytes(env.SECRET), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, signed));
    const answer = await fetch(env.URL, {
      method: "POST",
      redirect: "manual",
      body: raw,
      headers: {
        "Content-Type": "message/rfc822",
        "X-Switchboard-Timestamp": timestamp,
        "X-Switchboard-Sender": sender,
        "X-Switchboard-Recipient": recipient,
        "X-Switchboard-Signature": `v1=${[...mac].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`,
      },
    });
    // What can never be taken is refused, so that its sender hears of it. After anything else the sender's server tries again.
    if (answer.status === 413) message.setReject("Message is larger than we take");
    else if (answer.status === 422) message.setReject("This is not a mailbox of ours");
    else if (!answer.ok) throw new Error(`Switchboard answers ${answer.status}`);
  },
};
