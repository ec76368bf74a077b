"""Tickets, their messages and their timeline."""
