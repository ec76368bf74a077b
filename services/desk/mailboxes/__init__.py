"""Mailboxes at IMAP servers, which the email service reads: for admins."""
