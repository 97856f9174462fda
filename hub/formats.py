"""The formats that a device may choose for its frames, and what each needs to be told."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from streams.formats import graphite, json, line, msgpack
from streams.formats.graphite_templates import Templates
from streams.formats.objects import Kinds
from streams.points import Kind, Scan
from streams.schema import Schema


class Scanner(Protocol):
    """What a format offers: bytes of a frame to points, `now` in nanoseconds for points without a time."""

    def __call__(self, data: bytes, *, precision: str, now: int) -> Scan: ...


class Format(NamedTuple):
    """A format of frames: its scanner, the precision of its times unless said otherwise, and whether it is text."""

    scan: Scanner
    precision: str
    is_text: bool


class Options(NamedTuple):
    """What formats need: the kinds of fields, the most objects of a frame, and Graphite's templates."""

    schema: Schema
    most_objects: int
    templates: Sequence[str] = ()


class SchemaUnknown(Exception):
    """The values of a frame depend on the stored kinds of these measurements' fields: ask, then scan it again."""

    def __init__(self, measurements: set[str]) -> None:
        super().__init__(", ".join(sorted(measurements)))
        self.measurements = measurements


class _ScannerOfObjects(Protocol):
    def __call__(self, data: bytes, *, precision: str, now: int, kinds: Kinds, at_most: int) -> Scan: ...


def _with_stored_kinds(scan: _ScannerOfObjects, options: Options) -> Scanner:
    """A scanner that raises SchemaUnknown where the frame has measurements that the store was not asked about."""
    schema = options.schema

    def scanner(data: bytes, *, precision: str, now: int) -> Scan:
        unknown: set[str] = set()

        def kind(measurement: str, field: str) -> Kind | None:
            if not schema.knows(measurement):
                unknown.add(measurement)
            return schema.kind(measurement, field)

        result = scan(data, precision=precision, now=now, kinds=kind, at_most=options.most_objects)
        if unknown:
            raise SchemaUnknown(unknown)
        return result

    return scanner


LINE = Format(line.scan, "ns", is_text=True)

FORMATS: Mapping[str, Callable[[Options], Format]] = {
    "line": lambda _: LINE,
    "json": lambda options: Format(_with_stored_kinds(json.scan, options), "ms", is_text=True),
    "msgpack": lambda options: Format(_with_stored_kinds(msgpack.scan, options), "ns", is_text=False),
    "graphite": lambda options: Format(
        partial(graphite.scan, templates=Templates(options.templates)), "s", is_text=True
    ),
}
"""Each format by its name; TemplateInvalid where Graphite's templates cannot be meant."""

PRECISIONS = tuple(line.UNITS)
