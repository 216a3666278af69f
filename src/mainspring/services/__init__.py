"""Domain logic. Knows no HTTP and no wire name; reaches user data only through `data`."""
