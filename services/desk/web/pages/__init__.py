"""What a browser asks for: one module a page or a form, above all subjects."""
