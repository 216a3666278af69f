"""Signing in with a wallet: a text that says for where and when it was signed, and whose key signed it."""
