"""The browsable page about the API. It asks no other host for anything."""
