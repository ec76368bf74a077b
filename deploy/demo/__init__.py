"""`make demo`: real mails and messages through the real doors of a system that is running. Nothing is written into a database."""
