"""Writes a catalog as SQLAlchemy models: a Python module as text. Pure."""
