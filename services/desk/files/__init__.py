"""Settings as files that can live in git: written the same way every time, applied as a whole or
not at all."""
