"""The real database and object stores behind the ports."""
