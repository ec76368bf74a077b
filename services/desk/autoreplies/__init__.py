"""Automatic replies: what customers are told, once, when their first message of a ticket is in."""
