"""Serves the stand-in on loopback, from a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

import uvicorn

from tests.fakes.common.app import App
from tests.fakes.common.lines import Line

STARTS_WITHIN_SECONDS = 20


class _Served(uvicorn.Server):
    """Ends when it is told to, and not at its next look at the clock: tests start many."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._wake: Callable[[], object] = lambda: None

    async def main_loop(self) -> None:
        """Serve until the end."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._wake = lambda: loop.call_soon_threadsafe(ended.set)
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut what is open: TLS would wait for the other side's good-bye, uvicorn for nothing."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            cast("Line", connection).transport.abort()
        # A connection that was cut is told so at the loop's next turns.
        for _ in range(3):
            await asyncio.sleep(0)

    def end(self) -> None:
        """End, and with it whatever hangs on demand."""
        self.should_exit = self.force_exit = True
        self._wake()


class Server:
    """Listens from the moment it is made; `close` ends it and every connection."""

    def __init__(
        self,
        app: App,
        port: int,
        name: str,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        # Named as TCP: asyncio sets TCP_NODELAY on no other, and answers would wait 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        # Listening at once: who comes before the first answer waits instead of being refused.
        self._socket.listen(512)
        self.port = int(self._socket.getsockname()[1])
        host, scheme = ("localhost", "https") if certificate else ("127.0.0.1", "http")
        self.url = f"{scheme}://{host}:{self.port}"
        self._server = _Served(
            uvicorn.Config(
                app,
                http=Line,
                loop="asyncio",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=1,
                ssl_certfile=certificate,
                ssl_keyfile=key,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), daemon=True, name=name
        )
        self._thread.start()
        ends = time.monotonic() + STARTS_WITHIN_SECONDS
        while not self._server.started:
            assert self._thread.is_alive(), f"the stand-in for {name} did not start"
            assert time.monotonic() < ends, f"the stand-in for {name} did not start in time"
            time.sleep(0.005)

    def close(self) -> None:
        """Stop serving."""
        self._server.end()
        self._thread.join()
        self._socket.close()
