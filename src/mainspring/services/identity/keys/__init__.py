"""Keys: those that sign and verify tokens, and those handed out to programs."""
