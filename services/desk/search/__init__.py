"""Finding tickets by what is written in them: words of our own, the same on every database,
whatever its locale."""
