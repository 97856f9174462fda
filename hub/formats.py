"""The formats that a device may choose for its frames, and what each needs to be told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from streams.formats import graphite, json, line, msgpack
from streams.formats.graphite_templates import Templates
from streams.formats.objects import Kinds
from streams.points import Batch, Kind, Scan
from streams.schema import Schema


class Steps(Protocol):
    """What a format offers: bytes of a frame to points in steps, `now` in nanoseconds for points without a time."""

    def __call__(self, data: bytes, *, precision: str, now: int) -> Iterator[Scan]: ...


class Format(NamedTuple):
    """A format of frames: its scanner, the precision of its times unless said otherwise, and whether it is text.

    `plain` scans the lines of several frames at once, for what each frame costs; it has None for anything unusual.
    """

    steps: Steps
    precision: str
    is_text: bool
    plain: Callable[[bytes, str], Batch | None] | None = None


class Options(NamedTuple):
    """What formats need: the kinds of fields, the most points of a frame, and, where they cost more, the most objects;
    Graphite's templates."""

    schema: Schema
    most_points: int
    most_objects: int
    templates: Sequence[str] = ()


class SchemaUnknown(Exception):
    """The values of a frame depend on the stored kinds of these measurements' fields: ask, then scan it again."""

    def __init__(self, measurements: set[str]) -> None:
        super().__init__(", ".join(sorted(measurements)))
        self.measurements = measurements


class _StepsOfObjects(Protocol):
    def __call__(self, data: bytes, *, precision: str, now: int, kinds: Kinds, at_most: int) -> Iterator[Scan]: ...


def _with_stored_kinds(steps: _StepsOfObjects, options: Options) -> Steps:
    """Steps that end with SchemaUnknown where the frame has measurements that the store was not asked about."""
    schema = options.schema
    at_most = min(options.most_points, options.most_objects)

    def stepping(data: bytes, *, precision: str, now: int) -> Iterator[Scan]:
        unknown: set[str] = set()

        def kind(measurement: str, field: str) -> Kind | None:
            if not schema.knows(measurement):
                unknown.add(measurement)
            return schema.kind(measurement, field)

        yield from steps(data, precision=precision, now=now, kinds=kind, at_most=at_most)
        if unknown:
            raise SchemaUnknown(unknown)

    return stepping


LINE = Format(line.steps, "ns", is_text=True, plain=line.plain)
"""Line protocol of any number of points."""

FORMATS: Mapping[str, Callable[[Options], Format]] = {
    "line": lambda options: LINE._replace(
        steps=partial(line.steps, at_most=options.most_points), plain=partial(line.plain, at_most=options.most_points)
    ),
    "json": lambda options: Format(_with_stored_kinds(json.steps, options), "ms", is_text=True),
    "msgpack": lambda options: Format(_with_stored_kinds(msgpack.steps, options), "ns", is_text=False),
    "graphite": lambda options: Format(
        partial(graphite.steps, templates=Templates(options.templates), at_most=options.most_points), "s", is_text=True
    ),
}
"""Each format by its name; TemplateInvalid where Graphite's templates cannot be meant."""

PRECISIONS = tuple(line.UNITS)
