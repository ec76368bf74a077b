"""Adapters to Twilio: its API, signatures, markup and numbers."""
