"""The tests of Mainspring; ARCHITECTURE.md says which folder holds what."""
