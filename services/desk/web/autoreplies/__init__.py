"""What admins read of automatic replies, and the texts to begin with."""
