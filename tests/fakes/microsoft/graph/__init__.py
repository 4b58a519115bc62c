"""Graph v1.0, as far as it is about mail."""
