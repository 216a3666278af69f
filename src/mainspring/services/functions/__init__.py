"""The application's own functions: declared, called with checked arguments, answered like tables where they name rows."""
