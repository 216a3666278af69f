"""What exists: tables, columns, keys and the relations between them. Read-only once built."""
