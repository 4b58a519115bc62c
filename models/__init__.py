"""Tables and every named query."""
