"""Telephone calls: who is waiting, who answers, which callbacks are to be made, and what became of
them."""
