"""How it is done: engines turn plans into answers. One protocol (base), one registry, one folder per engine."""
