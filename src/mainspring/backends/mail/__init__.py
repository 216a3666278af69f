"""Mails: handed to an SMTP server, or kept for whoever looks into the inbox."""
