"""The protocols: one folder each, none importing another; each has routes, parse, handle, render, errors."""
