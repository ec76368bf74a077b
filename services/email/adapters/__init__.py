"""Ports filled in: SMTP in both directions, and a folder that stands in for a relay."""
