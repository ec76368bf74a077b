"""Contracts and plumbing that every service shares. No business rules live here, and nothing here
imports a service."""

import zoneinfo

VERSION = "0.1.0"
"""The version in pyproject.toml, which an image does not carry; a test compares them."""

zoneinfo.reset_tzpath(to=())  # the locked package's rules, not the machine's, which may be years old
