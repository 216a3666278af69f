"""What an existing PostgreSQL database holds, read from its own catalog into ours."""
