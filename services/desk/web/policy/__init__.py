"""The routing policy as people read it."""
