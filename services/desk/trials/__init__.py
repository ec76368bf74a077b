"""Texts that nobody sent: how the router would decide on them. The desk keeps nothing of them."""
