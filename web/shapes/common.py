"""What all shapes are made of: times, texts with limits, pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

Item = TypeVar("Item")


def rfc3339(moment: datetime) -> str:
    """Return a time as RFC 3339 in UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def writable(text: str) -> str:
    """Refuse what UTF-8 can't write."""
    text.encode()
    return text


Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]
Text = Annotated[str, AfterValidator(writable)]
Short = Annotated[Text, Field(min_length=1, max_length=200)]
Texts = Annotated[list[Annotated[Text, Field(max_length=500)]], Field(max_length=200)]


class Given(BaseModel):
    """A body: a field that isn't known is an error, not a wish that goes unheard."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next` is the cursor of the following one, null at the end."""

    items: list[Item]
    next: str | None


class ErasureOrdered(BaseModel):
    """The erasure that was ordered by the call."""

    erasure: str
