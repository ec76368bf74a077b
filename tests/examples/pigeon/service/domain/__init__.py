"""Pure: what a letter says, and how an answer is written."""
