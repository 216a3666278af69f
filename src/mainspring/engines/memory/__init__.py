"""The memory engine: rows in dicts, conditions through `query.evaluate`. The oracle that the SQL engines are tested against."""
