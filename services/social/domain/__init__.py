"""Decisions on values: what a post is, whether it is a complaint, when to ask again. No I/O."""
