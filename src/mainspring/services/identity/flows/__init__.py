"""The ways to an account: into it, back to it, and what its owner changes of it."""
