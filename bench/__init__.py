"""Side-by-side benchmarks of Mainspring, its peers and its limits. Run with `python -m bench`."""
