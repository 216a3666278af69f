"""Tokens: verified, refreshed, and refused before they expire."""
