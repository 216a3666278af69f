"""What SQL engines share: the compiler from plan to statement, the JSON document forms, schema creation."""
