"""Adapters behind the ports."""
