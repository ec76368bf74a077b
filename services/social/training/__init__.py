"""Making the model: composing examples from written fragments, fitting, measuring. Needs numpy; the
running service does not."""
