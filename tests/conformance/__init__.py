"""One test body, every engine."""
