"""Pure text and decisions: no I/O, no clock."""
