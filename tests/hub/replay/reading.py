"""All that a source gives, in one."""

from hub.replay.parts import Part, Source


async def read(source: Source, place: int | None = None) -> Part:
    """The parts from a place on, joined."""
    parts = [part async for part in source.parts(place)]
    return Part(
        [line for part in parts for line in part.lines],
        [name for part in parts for name in part.measurements],
        [time for part in parts for time in part.times],
        [place for part in parts for place in part.places],
        parts[-1].end if parts else 0,
        parts[-1].done if parts else 0.0,
        [refused for part in parts for refused in part.refused],
    )
