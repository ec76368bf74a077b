"""Contracts and plumbing that every service shares. No business rules live here, and nothing here imports a service."""

VERSION = "0.1.0"
"""The version in pyproject.toml, which an image does not carry; a test compares them."""
