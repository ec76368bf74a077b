"""Phone calls and text messages, by Twilio.

In: Twilio's webhooks → `messages-received-live` (a caller waits), `messages-received` (texts,
voicemails, calls that nobody took). Out: `deliveries-requested-sms` → text messages →
`deliveries-reported`; `calls-requested` → calls connected, callbacks. Every state of a call is
published on `calls-changed`.
"""
