"""Dead letters, for admins: what any service set aside, and its way back. Kafka keeps them; the
desk keeps nothing of them."""
