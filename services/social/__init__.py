"""What people post about the company, and what it answers.

In: X's mentions, posts that name the brand, and direct messages, by its stream and by polling with
a durable cursor. Complaints, questions and whatever belongs to a conversation of ours go to
`messages-received`; praise, news and noise to `mentions-kept`. An agent who wants one of those as a
ticket, or knows better what a post is, says so on `posts-judged`. Out: `deliveries-requested-x`, as
public replies and direct messages, reported on `deliveries-reported`.
"""
