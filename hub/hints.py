"""What somebody may have meant by a name that is not known. Pure."""

import difflib
import re
from collections.abc import Mapping

from msgspec import Struct

_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.(\w+)`)?", re.DOTALL)


def with_names(reason: str, objects: Mapping[str, type[Struct]]) -> str:
    """msgspec's reason, and where it is an unknown name, the nearest that there is, or all of them.

    `objects` says what is where in a message: by the name of its field, the message itself by "".
    """
    unknown = _UNKNOWN.fullmatch(reason)
    known = objects.get(unknown[2] or "") if unknown else None
    if unknown is None or known is None:
        return reason
    names = known.__struct_encode_fields__
    near = difflib.get_close_matches(unknown[1], names, 1)
    return f"{reason}; did you mean {near[0]}?" if near else f"{reason}; there are {', '.join(names)}"
