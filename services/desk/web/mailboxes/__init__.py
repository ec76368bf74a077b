"""Mailboxes at IMAP servers, for admins."""
