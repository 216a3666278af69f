"""Full-text search as PostgreSQL means it, in plain Python: words of a text, queries, and whether one fits the other."""
