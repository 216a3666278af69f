"""Telling people from programs, by who makes a business of it."""
