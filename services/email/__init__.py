"""Email. In: mails over SMTP and LMTP, published on `messages-received`. Out: answers from
`deliveries-requested-email`, sent as threaded mails; what became of each is published on
`deliveries-reported`."""
