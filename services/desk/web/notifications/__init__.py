"""The bell, the list behind it, and the page of how somebody wants to be told."""
