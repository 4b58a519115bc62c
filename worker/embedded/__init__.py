"""PostgreSQL and Redis of our own, for who has none: children of this process, never daemons."""

from worker.embedded.postgres import PostgresServer
from worker.embedded.redis import RedisServer

__all__ = ["PostgresServer", "RedisServer"]
