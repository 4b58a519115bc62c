"""Tests of the pure room: bytes in, values out."""
