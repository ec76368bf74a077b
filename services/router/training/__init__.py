"""Making the urgency model: composing examples from templates, training, measuring on what it never
saw."""
