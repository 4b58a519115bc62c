"""Mail providers behind one protocol; a provider's own formats never leave this room."""
