"""Contracts and plumbing that every service shares. No business rules live here, and nothing here imports a service."""
