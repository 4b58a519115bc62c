"""Gmail by its API: only what its search finds for the leads is ever asked for."""
