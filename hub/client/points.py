"""A point, written as a line of InfluxDB line protocol."""

import math
import time as clock
from collections.abc import Mapping
from dataclasses import dataclass, field

FieldValue = float | int | str | bool

_MEASUREMENT = str.maketrans({",": "\\,", " ": "\\ "})
_KEY = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})
_TEXT = str.maketrans({"\\": "\\\\", '"': '\\"'})


@dataclass(frozen=True, slots=True)
class Point:
    """A point to write. `time` is in nanoseconds since the Unix epoch, by default now, on this machine's clock.

    A point always carries its time: sent again after a broken connection, it is the same point and counts once.
    """

    measurement: str
    fields: Mapping[str, FieldValue]
    tags: Mapping[str, str] = field(default_factory=dict)
    time: int = field(default_factory=clock.time_ns)

    def line(self) -> bytes:
        """The point as a line; ValueError names what line protocol cannot express. Empty tags are left out."""
        if not self.fields:
            raise ValueError(f"point of {self.measurement!r}: it needs at least one field")
        if "time" in self.fields:
            raise ValueError(f"point of {self.measurement!r}: a field cannot be called time, which every point has")
        tags = "".join(f",{_key(name)}={_key(value)}" for name, value in sorted(self.tags.items()) if value)
        fields = ",".join(f"{_key(name)}={_value(name, value)}" for name, value in self.fields.items())
        return f"{_measurement(self.measurement)}{tags} {fields} {self.time}".encode()


def _measurement(name: str) -> str:
    if name.startswith("#"):
        raise ValueError(f"{name!r}: a measurement cannot start with #, which begins a comment")
    return _checked(name).translate(_MEASUREMENT)


def _key(name: str) -> str:
    return _checked(name).translate(_KEY)


def _checked(name: str) -> str:
    if not name or name.endswith("\\") or min(name) < " ":
        raise ValueError(
            f"{name!r}: a name or tag value cannot be empty, hold control characters or end in a backslash"
        )
    return name


def _value(name: str, value: FieldValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"field {name!r}: {value} does not fit into 64 bits")
        return f"{value}i"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"field {name!r}: {value} cannot be stored")
        return repr(value)
    return f'"{value.translate(_TEXT)}"'
