"""A real PostgreSQL, live Mainspring processes, tokens. Of the package's inside it knows nothing."""
