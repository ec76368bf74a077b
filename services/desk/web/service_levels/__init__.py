"""What is read of service levels, and what admins type of them."""
