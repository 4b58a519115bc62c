"""Providers that can't be had for tests, spoken on the wire."""
