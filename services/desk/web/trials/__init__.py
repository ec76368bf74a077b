"""How the router would decide on a text, and the card of its model, for admins."""
