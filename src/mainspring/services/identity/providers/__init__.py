"""Accounts elsewhere: what each provider is like, asking it, and believing what it says of somebody."""
