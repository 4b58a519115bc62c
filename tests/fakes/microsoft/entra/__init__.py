"""Entra ID v2.0: who people are, what they and their administrators allow, and tokens for it."""
