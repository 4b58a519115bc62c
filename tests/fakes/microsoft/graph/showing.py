"""Messages on their way out: shown as a request wants them, counted, bodies held back."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.microsoft.graph.odata import Options
from tests.fakes.microsoft.graph.properties import (
    CONTENT,
    MESSAGE,
    Resource,
    expanded,
    message_resource,
    names_of,
)
from tests.fakes.microsoft.graph.request import Request
from tests.fakes.microsoft.graph.stored import Message


@dataclass(frozen=True, slots=True)
class View:
    """Which properties a request wants to see."""

    select: list[str]
    expand: list[tuple[str, int]]

    def show(self, request: Request, message: Message, only: list[str] | None = None) -> Resource:
        """Return a message as it is shown, and count what is; `only` these, if they are wanted."""
        names = names_of(self.select)
        if only is not None:
            names = [each for each in names if each in only]
        if not request.may_read_content:
            names = [each for each in names if each not in CONTENT]
        request.counters.show(message.id, names)
        return message_resource(
            message, names, self.expand, request.world.settings, immutable=request.is_immutable
        )


def view(options: Options) -> View:
    """Return what the options want to see.

    Raises:
        Refusal: A property that isn't there.
    """
    return View(options.select(MESSAGE, "message"), expanded(options.text("$expand")))
