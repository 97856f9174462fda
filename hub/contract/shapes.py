"""What an endpoint is: its parameters, its body, its answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

JSON, CSV, TEXT, EVENTS, HTML = "application/json", "text/csv", "text/plain", "text/event-stream", "text/html"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an address; `place` is path, query or header."""

    name: str
    place: str
    meaning: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})

    @property
    def is_where(self) -> bool:
        """Whether it stands for all `where.TAG`."""
        return self.name == "where"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a status means; `content` gives the type of a JSON body, and None for other media types.

    Of a problem, `codes` are the catalogue's.
    """

    meaning: str
    content: Mapping[str, type[Struct] | None] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A method of an address. `name` is unique; `group` is the heading under which readers find it."""

    name: str
    method: str
    path: str
    group: str
    summary: str
    details: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Mapping[str, type[Struct] | None] = field(default_factory=dict)
    answers: Mapping[int, Answer]
    is_open: bool = False
    """Whether it asks nobody who they are."""
