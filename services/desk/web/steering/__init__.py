"""The supervisor's page and that of a queue, in words."""
