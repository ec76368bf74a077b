"""What admins do to the accounts of people, and people to their own."""
