"""Refusals: what a customer or their site did wrong, in words that say what to do."""

from __future__ import annotations


class Refusal(ValueError):
    """code: stable, for programs; message: for people; field: the input that is wrong, empty where
    it is none."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field
