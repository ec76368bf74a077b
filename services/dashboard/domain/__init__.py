"""Decisions as functions of values: who somebody is, what may be written, how often."""
