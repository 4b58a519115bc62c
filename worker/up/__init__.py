"""`leadmail up`: the whole service in the foreground, on servers of its own if need be."""

from worker.up.foreground import up

__all__ = ["up"]
