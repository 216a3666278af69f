"""Text messages: handed to a gateway, or kept in the inbox."""
