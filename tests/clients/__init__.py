"""Real client libraries against a live process: the same tests on SQLite and on PostgreSQL."""
