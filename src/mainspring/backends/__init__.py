"""Means other than databases: counters, mail. Each a contract, `base`, and its implementations."""
