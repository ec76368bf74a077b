"""What people post about the company, and what it answers.

In: X's mentions, posts that name the brand, and direct messages, by polling with a durable cursor. Complaints, questions and
whatever belongs to a conversation of ours go to `messages-received`; praise, news and noise are kept as mentions that an agent can
turn into a ticket. Out: `deliveries-requested-x`, as public replies and direct messages, reported on `deliveries-reported`.
"""
