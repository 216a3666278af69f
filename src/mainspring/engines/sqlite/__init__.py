"""The SQLite engine: reads on the event loop within a step budget, one writer thread with group commit."""
