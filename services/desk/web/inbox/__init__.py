"""Lists of conversations."""
