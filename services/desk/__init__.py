"""The desk: customers, tickets, agents and answers. It applies `messages-routed` and
`deliveries-reported` to PostgreSQL, and publishes `deliveries-requested-<channel>`,
`customers-updated` and `tickets-changed` through its outbox."""
