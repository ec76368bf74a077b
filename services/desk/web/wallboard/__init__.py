"""The wallboard."""
