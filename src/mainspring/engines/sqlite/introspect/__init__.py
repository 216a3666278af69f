"""What an existing SQLite file holds, read into a catalog."""
