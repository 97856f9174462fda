"""What is known of each measurement's fields, and which points contradict it. Pure: the store is asked elsewhere."""

from itertools import product
from operator import attrgetter

from streams.points import Batch, Kind, Reject, Shape
from streams.stores.base import MeasurementSchema

MOST_AGREED = 100_000
"""Pairs of measurement and shape that are remembered; a device that never repeats itself may not fill the memory."""

_measurement = attrgetter("measurement")
_ONLY = {kind: frozenset({kind}) for kind in Kind}
"""One set for all fields of a kind: of noise there are many."""


class Schema:
    """The kinds of every field of the measurements that were written or asked about since the start.

    A measurement is unknown until `load` was called for it. A field may have more than one kind where the shards of
    an InfluxDB disagree: then the store is the judge and nothing is refused here.
    """

    def __init__(self) -> None:
        self._fields: dict[str, dict[str, frozenset[Kind]]] = {}
        # Shapes are interned by the formats and kept alive here, so their identity is a cheap key.
        self._agreed: dict[tuple[str, int], Shape] = {}

    def knows(self, measurement: str) -> bool:
        """Whether it was loaded, however little the store knew of it."""
        return measurement in self._fields

    def kind(self, measurement: str, field: str) -> Kind | None:
        """The kind of a field that has exactly one; None where it has none or several."""
        kinds = self._fields.get(measurement, {}).get(field)
        return next(iter(kinds)) if kinds and len(kinds) == 1 else None

    def agrees(self, batch: Batch) -> bool:
        """Whether points like each of these were stored before, so that nothing is to be learned or refused."""
        if len(batch.different_shapes) == 1:
            # Most often all points have one shape: then each series is looked at, and not each point.
            found = set(product(map(_measurement, batch.different_series), map(id, batch.different_shapes)))
        else:
            found = set(zip(map(_measurement, batch.series), map(id, batch.shapes), strict=True))
        return found <= self._agreed.keys()

    def unknown(self, batch: Batch) -> set[str]:
        """The measurements of a batch that have not been loaded."""
        return {series.measurement for series in batch.different_series} - self._fields.keys()

    def load(self, measurement: str, stored: MeasurementSchema) -> None:
        """Replace what is known of a measurement by what the store says."""
        self._fields[measurement] = dict(stored.fields)
        self._forget(measurement)

    def learn(self, batch: Batch) -> None:
        """Every point of this batch is stored: its fields have these kinds."""
        for measurement, shape in self._news(batch):
            fields = self._fields.setdefault(measurement, {})
            for name, kind in shape:
                known = fields.get(name)
                fields[name] = known | {kind} if known else _ONLY[kind]
            self._agreed[measurement, id(shape)] = shape
        if len(self._agreed) > MOST_AGREED:
            self._agreed.clear()

    def conflicts(self, batch: Batch) -> dict[int, Reject]:
        """The points that contradict a known kind, or an earlier point of the batch, by their index."""
        found: dict[int, Reject] = {}
        fresh: dict[tuple[str, str], Kind] = {}
        for index, (series, shape) in enumerate(zip(batch.series, batch.shapes, strict=True)):
            clash = self._clash(series.measurement, shape, fresh)
            if clash:
                found[index] = Reject(batch.numbers[index], "field_type", clash)
        return found

    def _news(self, batch: Batch) -> dict[tuple[str, Shape], None]:
        """The pairs of measurement and shape that have not been agreed, in order of their first point."""
        pairs = dict(
            zip(
                zip([series.measurement for series in batch.series], map(id, batch.shapes), strict=True),
                batch.shapes,
                strict=True,
            )
        )
        return {(pair[0], shape): None for pair, shape in pairs.items() if pair not in self._agreed}

    def _clash(self, measurement: str, shape: Shape, fresh: dict[tuple[str, str], Kind]) -> str | None:
        known = self._fields.get(measurement, {})
        for name, kind in shape:
            kinds = known.get(name)
            if kinds is None:
                first = fresh.get((measurement, name), kind)
                kinds = _ONLY[first]
            if kind not in kinds and len(kinds) == 1:
                return f"field {name!r} of measurement {measurement!r} is {next(iter(kinds))}, not {kind}"
        fresh.update({(measurement, name): kind for name, kind in shape if name not in known})
        return None

    def _forget(self, measurement: str) -> None:
        for pair in [pair for pair in self._agreed if pair[0] == measurement]:
            del self._agreed[pair]
