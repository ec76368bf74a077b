"""The console's pages: each module has a `router`."""
