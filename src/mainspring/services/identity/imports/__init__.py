"""People who signed in elsewhere: read from files and databases, and taken in as they were."""
