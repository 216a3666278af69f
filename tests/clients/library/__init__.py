"""A small library, in app mode and in database mode, for whatever the clients' query builders can say."""
