"""Messages to people, by mail and by text, and the codes in them."""
