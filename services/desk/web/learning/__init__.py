"""What the urgency model learned from agents, for admins."""
