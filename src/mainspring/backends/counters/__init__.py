"""Counting what happens, to bound how often it may."""
