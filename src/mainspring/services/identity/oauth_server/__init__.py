"""People sign in to other programs with their account here."""
