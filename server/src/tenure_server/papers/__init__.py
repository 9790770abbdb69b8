"""What is printed: quotes."""
