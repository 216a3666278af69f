"""What happens when things go wrong, on live processes."""
