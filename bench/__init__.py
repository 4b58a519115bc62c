"""Measures Leadmail beside the programs that people would compare it with."""
