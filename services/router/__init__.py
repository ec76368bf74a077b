"""Decides about every message: which ticket, how urgent, on which channel to answer, which team;
each with reasons.

In: `messages-received-live` (first) and `messages-received`. Out: `messages-routed-live` and
`messages-routed`, or `dead-letters` for what cannot be handled. Followed as views:
`customers-updated`, `policies-published`, `channels-announced`.
"""
