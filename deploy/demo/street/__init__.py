"""The street: a page on which a newcomer is the customers, with a telephone, texts, posts and
mails, and the agent's telephone."""
