"""What SQLAlchemy models declare, piece by piece. Only `catalog.build` reads it."""
