"""The PostgreSQL engine: pooled connections, policies compiled into the statement."""
