"""What comes from customers: their messages, the bursts these are part of, and where they do not
want to be reached."""
