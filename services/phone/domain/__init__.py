"""Decides about calls and text messages: values in, values out."""
