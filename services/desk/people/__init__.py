"""Agents, their sessions, and the API tokens of machines."""
