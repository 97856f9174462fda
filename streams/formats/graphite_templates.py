"""Telegraf's templates for Graphite paths: which parts of a path are measurement, field and tags.

A template is `[separator] [filter] pattern [tag=value,…]`. The pattern's parts stand for the path's: `measurement`,
`field`, a tag's name, nothing (skipped), or `measurement*` and `field*` for all that follows. A filter is a path with
`*` for any part, and the template counts for paths that begin so; the one without a filter, for all others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from streams.errors import TemplateInvalid
from streams.formats.line_encode import find_series, spell_field_name
from streams.formats.series import KEPT_BYTES
from streams.points import Series


@dataclass(frozen=True, slots=True)
class _Template:
    separator: str
    filter: str
    parts: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Node:
    """A part of the filters: the template whose filter ends here, and the parts that may follow."""

    template: _Template | None = None
    next: "dict[str, _Node]" = field(default_factory=dict)

    def find(self, parts: Sequence[str]) -> _Template | None:
        """The template for a path; an exact part goes before `*`."""
        if not parts or not self.next:
            return self.template
        exact = self.next.get(parts[0])
        found = exact.find(parts[1:]) if exact else None
        if found is None and "*" in self.next:
            return self.next["*"].find(parts[1:])
        return found or self.template


class Templates:
    """Templates, how the parts of a name are joined, and the tags of points whose path gives none of that name.

    TemplateInvalid says which template cannot be meant.
    """

    def __init__(self, templates: Sequence[str], separator: str = ".", tags: Mapping[str, str] | None = None) -> None:
        self._joiner = separator
        self._tags = dict(tags or {})
        self._default = _Template(".", "", ("measurement*",), ())
        self._filters: dict[str, _Node] = {}
        for text in templates:
            template = _parse(text)
            if not template.filter:
                self._default = template
                continue
            node = self._filters.setdefault(template.separator, _Node())
            for part in template.filter.split(template.separator):
                node = node.next.setdefault(part, _Node())
            node.template = template
        self._kept = lru_cache(50_000)(self._target)

    def target(self, path: str) -> tuple[Series, bytes, str]:
        """Where the values of a path go: the series, and the field, as spelled in a line and as named. PointRefused."""
        return self._kept(path) if len(path) <= KEPT_BYTES else self._target(path)

    def _target(self, path: str) -> tuple[Series, bytes, str]:
        measurement, tags, name = self.apply(path)
        return find_series(measurement, tuple(tags.items())), spell_field_name(name), name

    def apply(self, path: str) -> tuple[str, dict[str, str], str]:
        """Measurement, tags and field of a path. `;name=value` at its end, Graphite's own tags, are tags too."""
        path, *tagged = path.split(";")
        template = self._find(path)
        measurement: list[str] = []
        fields: list[str] = []
        tags: dict[str, list[str]] = {name: [value] for name, value in template.tags}
        parts = path.split(template.separator)
        for at, (keyword, part) in enumerate(zip(template.parts, parts, strict=False)):
            match keyword:
                case "":
                    pass
                case "measurement":
                    measurement.append(part)
                case "measurement*":
                    measurement += parts[at:]
                case "field":
                    fields.append(part)
                case "field*":
                    fields += parts[at:]
                case _:
                    tags.setdefault(keyword, []).append(part)
        joined = {name: self._joiner.join(values) for name, values in tags.items()}
        named = self._tags | joined | _graphite_tags(tagged)
        return self._joiner.join(measurement) or path, named, self._joiner.join(fields) or "value"

    def _find(self, path: str) -> _Template:
        for separator, root in self._filters.items():
            found = root.find(path.split(separator))
            if found:
                return found
        return self._default


def _graphite_tags(words: Sequence[str]) -> dict[str, str]:
    pairs = (word.split("=") for word in words)
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and all(pair)}


def _parse(text: str) -> _Template:
    """One template. Two words are filter and pattern, or pattern and tags, which have a '='."""
    words = text.split()
    tags = words.pop() if len(words) > 1 and "=" in words[-1] else ""
    if not 1 <= len(words) <= 3:
        raise TemplateInvalid(f"{text!r} is not '[separator] [filter] pattern [tag=value,…]'")
    separator = words[0] if len(words) == 3 else "."
    parts = tuple(words[-1].split(separator))
    if not {"measurement", "measurement*"} & set(parts):
        raise TemplateInvalid(f"{text!r} has no 'measurement' among its parts")
    if {"measurement*", "field*"} <= set(parts):
        raise TemplateInvalid(f"{text!r} has both 'measurement*' and 'field*': only one can take the rest")
    pairs = tuple(tuple(pair.split("=")) for pair in tags.split(",")) if tags else ()
    if not all(len(pair) == 2 and all(pair) for pair in pairs):
        raise TemplateInvalid(f"{text!r} has tags that are not name=value pairs with commas between them")
    return _Template(separator, words[-2] if len(words) > 1 else "", parts, tuple((k, v) for k, v in pairs))
