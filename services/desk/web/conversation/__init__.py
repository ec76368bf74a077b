"""One conversation: its messages, its customer, and what is done with it."""
