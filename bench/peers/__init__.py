"""The servers and limits that are measured, one module each."""
