"""One table of aggregates: what each means, which kind its column has, and how each store is asked for it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from streams.points import Kind

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,6})?)")


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregate of one field: `mean`, `p95`. Equal by its canonical name."""

    name: str
    percent: float | None = None

    def kind(self, field: Kind | None) -> Kind | None:
        """The kind of the column, for a field of this kind; None while the field's kind is not known."""
        return _KINDS["percentile" if self.percent is not None else self.name](field)


def parse_aggregate(text: str) -> Aggregate:
    """The aggregate of this name; ValueError names those that exist."""
    match = _PERCENTILE.fullmatch(text)
    if match is not None and float(match[1]) > 0:
        percent = float(match[1])
        return Aggregate(f"p{percent:g}", percent)
    if text in _KINDS and text != "percentile":
        return Aggregate(text)
    names = " ".join(name for name in _KINDS if name != "percentile")
    raise ValueError(f"{text!r} is no aggregate; there are {names} and p1 to p99.9")


def _same(field: Kind | None) -> Kind | None:
    return field


def _always(kind: Kind) -> Callable[[Kind | None], Kind | None]:
    return lambda _field: kind


_KINDS: dict[str, Callable[[Kind | None], Kind | None]] = {
    "count": _always(Kind.INTEGER),
    "sum": _same,
    "mean": _always(Kind.FLOAT),
    "min": _same,
    "max": _same,
    "first": _same,
    "last": _same,
    "spread": _same,
    "stddev": _always(Kind.FLOAT),
    "median": _always(Kind.FLOAT),
    "mode": _same,
    "distinct": _always(Kind.INTEGER),
    "rate": _always(Kind.FLOAT),
    "increase": _same,
    "integral": _always(Kind.FLOAT),
    "percentile": _same,
}
