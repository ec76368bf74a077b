"""What is known of customers: read and changed by agents, published for the router, and what was
promised to them."""
