"""What a stand-in must know again after a restart, in one file: grants, keys, mail, watches.

The file is a pickle, for its owner alone. It holds the stand-in's own objects, so only the edition
of the code that wrote it reads it; another one begins anew.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from tests.fakes.common.wire import Call

READS_WAIT = timedelta(seconds=0.5)
"""How long what a GET changed, as a delta's link, may be unwritten."""
HERE = Path(__file__).resolve().parents[1]
Heard = TypeVar("Heard")


class World(Protocol):
    """What a stand-in knows, as far as it is kept."""

    @property
    def lock(self) -> AbstractContextManager[object]:
        """Held by whoever touches it."""
        ...

    @property
    def passing(self) -> Mapping[str, object]:
        """Parts that the kept ones lean on, and that each run makes anew."""
        ...

    def parts(self) -> dict[str, object]:
        """Return what is kept, by name."""
        ...

    def recall(self, parts: Mapping[str, object]) -> None:
        """Take over what was kept."""
        ...


class Listener(Generic[Heard]):
    """Somebody of this run who hears what happens to kept things; after a restart, nobody."""

    def __init__(self, tell: Callable[[Heard], object] | None = None) -> None:
        self._tell = tell

    def __call__(self, heard: Heard) -> None:
        """Tell of something that happened."""
        if self._tell:
            self._tell(heard)

    def __reduce__(self) -> tuple[type[Listener[Heard]], tuple[()]]:
        return type(self), ()


class Keeper:
    """Writes a world into a file, whole or not at all; without a file it does nothing."""

    def __init__(self, world: World, file: Path | None) -> None:
        """Recall what the file holds, if it is there."""
        self._world = world
        self._file = file
        self._written = b""
        self._is_changed = threading.Event()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="keeper")
        if file is not None and file.exists():
            self._recall(file)

    def start(self) -> None:
        """Begin to write by itself."""
        if self._file is not None:
            self._thread.start()

    def close(self) -> None:
        """Write a last time."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()
        self.save()

    def settled(self, call: Call) -> None:
        """Write what a call has changed: before its answer is out, or soon when it only read."""
        if call.verb == "GET":
            self._is_changed.set()
        else:
            self.save()

    def save(self) -> None:
        """Write all, if it isn't written yet."""
        if self._file is None:
            return
        with self._world.lock:
            self._is_changed.clear()
            content = io.BytesIO()
            _Writer(content, self._world.passing).dump(self._world.parts())
            if content.getvalue() != self._written:
                _write(self._file, edition() + content.getvalue())
                self._written = content.getvalue()

    def _recall(self, file: Path) -> None:
        content = file.read_bytes()
        if not content.startswith(edition()):
            print(f"{file} is of another edition: beginning anew", file=sys.stderr, flush=True)
            return
        kept = io.BytesIO(content.removeprefix(edition()))
        self._world.recall(_Reader(kept, self._world.passing).load())

    def _run(self) -> None:
        while not self._is_over.wait(READS_WAIT.total_seconds()):
            if self._is_changed.is_set():
                self.save()


class _Writer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, passing: Mapping[str, object]) -> None:
        super().__init__(file)
        self._names = {id(part): name for name, part in passing.items()}

    def persistent_id(self, obj: object) -> str | None:
        return self._names.get(id(obj))


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, passing: Mapping[str, object]) -> None:
        super().__init__(file)
        self._passing = passing

    def persistent_load(self, pid: str) -> object:
        return self._passing[pid]


@cache
def edition() -> bytes:
    """Return a line that names the code of all stand-ins and the Python that runs it."""
    digest = hashlib.sha256(repr(sys.version_info).encode())
    for path in sorted(HERE.rglob("*.py")):
        digest.update(path.read_bytes())
    return f"{digest.hexdigest()}\n".encode()


def _write(file: Path, content: bytes) -> None:
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)
