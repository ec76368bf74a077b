"""Signatures and tokens."""
