"""Means other than databases: counters, mail, text messages, other servers. Each a contract, `base`, and its implementations."""
