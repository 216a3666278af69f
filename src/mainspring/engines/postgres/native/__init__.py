"""PostgreSQL in database mode: the SQL of native plans, run as the caller's own role."""
