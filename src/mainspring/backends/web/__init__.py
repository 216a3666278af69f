"""Requests to other servers: bounded, without following redirects, signed where they must be."""
