"""Tags that are put on every point of a device, whatever it says itself. Pure."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.formats.line_grammar import key_end, line_end
from streams.formats.series import KEY_BYTES, SERIES, series_of, shown
from streams.points import Batch, Reject, Scan, Series

MOST_REMEMBERED = 50_000
"""Series whose stamped ones are remembered."""


class Refusal(NamedTuple):
    """Why a point cannot have the tags."""

    code: str
    message: str


class Stamps:
    """These tags, each with one value. A point that has one of them with another value is refused."""

    def __init__(self, tags: Iterable[tuple[str, str]]) -> None:
        self._tags = dict(tags)
        # The formats intern series, and both are kept alive here, so the identity of the first is a cheap key.
        self._known: dict[int, tuple[Series, Series]] = {}

    def put_on(self, scan: Scan) -> Scan:
        """The same points with these tags, but for those that cannot have them."""
        batch, rejects = scan
        if not self._tags or not len(batch):
            return scan
        stamped = self._all(batch.different_series)
        lines: list[bytes] = []
        refused: dict[int, Reject] = {}
        for index, (line, series) in enumerate(zip(batch.lines, batch.series, strict=True)):
            found = stamped[id(series)]
            if isinstance(found, Series):
                lines.append(_with_key(line, series, found))
                if _stays_open(lines[-1], found):
                    found = Refusal("invalid_name", f"no tag can be put on {shown(series.key)}: a quote stays open")
            else:
                lines.append(line)
            if isinstance(found, Refusal):
                refused[index] = Reject(batch.numbers[index], *found)
        if refused:
            good = [index for index in range(len(batch)) if index not in refused]
            batch, lines = batch.select(good), [lines[index] for index in good]
            rejects = [*rejects, *refused.values()]
        series_now = [one for old in batch.series if isinstance(one := stamped[id(old)], Series)]
        return Scan(Batch(lines, series_now, batch.shapes, batch.times, batch.numbers), rejects)

    def _all(self, series: Iterable[Series]) -> Mapping[int, Series | Refusal]:
        """What becomes of each series, by its identity."""
        if len(self._known) > MOST_REMEMBERED:
            self._known.clear()
        found: dict[int, Series | Refusal] = {}
        for one in series:
            known = self._known.get(id(one))
            found[id(one)] = known[1] if known else self._stamp(one)
        return found

    def _stamp(self, series: Series) -> Series | Refusal:
        tags = dict(series.tags)
        for name, value in self._tags.items():
            if tags.setdefault(name, value) != value:
                return Refusal(
                    "stamped_tag",
                    f"the token puts {name}={value} on every point, and this one has {shown(tags[name].encode())}",
                )
        stamped = series_of(series.measurement, tags.items())
        if len(stamped.key) > KEY_BYTES:
            return Refusal("key_too_long", f"with the token's tags the key is {len(stamped.key)} bytes long")
        stamped = SERIES[stamped.key]
        self._known[id(series)] = (series, stamped)
        return stamped


def _stays_open(line: bytes, series: Series) -> bool:
    """Whether the line would take in the one after it, by a quote in a name."""
    return b"\\" in series.key and line_end(line + b"\n", 0) != len(line)


def _with_key(line: bytes, series: Series, stamped: Series) -> bytes:
    """The line with the stamped series' key in the place of its own, however that is spelled."""
    key = series.key
    canonical = b"\\" not in key and line.startswith(key) and line[len(key) : len(key) + 1] == b" "
    return stamped.key + line[len(key) if canonical else key_end(line) :]
