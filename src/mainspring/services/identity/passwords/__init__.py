"""Passwords: how strong they must be, how they are kept, and how they are guessed at."""
