"""80xx: a person cannot sign up, in or out."""
