"""A line that is far: a TCP proxy that delays both ways and counts round trips."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

_CHUNK = 256 * 1024


class FarLine:
    """Forwards a port of loopback, each way half of `round_trip` seconds later.

    A round trip is counted whenever the client speaks after the server has: however much
    both say meanwhile, this is how often somebody had to wait for the line. The bandwidth
    is not limited.
    """

    def __init__(self, port: int, round_trip: float) -> None:
        self._to = port
        self.round_trip = round_trip
        self.round_trips = 0
        self.port = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _end(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", self._to)
        # The server's greeting comes unasked.
        last = "server"

        def heard(who: str) -> None:
            nonlocal last
            if who == "client" and last == "server":
                self.round_trips += 1
            last = who

        await asyncio.gather(
            self._carry(reader, their_writer, lambda: heard("client")),
            self._carry(their_reader, writer, lambda: heard("server")),
            return_exceptions=True,
        )

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        heard: Callable[[], None],
    ) -> None:
        """Pass on what comes, in order, each piece after its delay."""
        loop = asyncio.get_running_loop()
        # A line holds what travels on it; an end that isn't read holds up the other.
        travelling: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)
        arrival = loop.create_task(self._arrive(travelling, writer))
        try:
            while data := await reader.read(_CHUNK):
                heard()
                await travelling.put((loop.time() + self.round_trip / 2, data))
            await travelling.put((loop.time() + self.round_trip / 2, b""))
            await arrival
        finally:
            arrival.cancel()
            writer.close()

    async def _arrive(
        self, travelling: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await travelling.get()
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            if not data:
                with suppress(OSError):
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
