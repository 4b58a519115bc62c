"""Pure mail: bytes in, values out; no clock, socket or database."""
