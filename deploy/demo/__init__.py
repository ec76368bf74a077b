"""`make demo`: a practice system with a street of customers who mail, chat, text, call and post
through the real doors."""
