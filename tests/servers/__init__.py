"""Real mail servers, and lying ones, that tests and measurements start for themselves."""
