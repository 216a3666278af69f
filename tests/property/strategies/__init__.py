"""Hypothesis strategies for values, catalogs with rows, policies and requests. They know no engine."""
