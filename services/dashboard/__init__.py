"""A customer's messages from a product's own dashboard, its chat widget and a plain contact page.

In: `POST /api/v1/messages`, a WebSocket, a form → `messages-received` and, from an open socket,
`messages-received-live`. Out: `deliveries-requested-chat` → the customer's own conversation →
`deliveries-reported`.
"""
