"""Decides who somebody is, and what may be written: values in, values out."""
