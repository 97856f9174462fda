"""What there is to ask for: measurements, their tags with values, and their fields, as the store knows them now."""

import asyncio
from collections.abc import Sequence

from hub.auth import Grants
from hub.bodies import FieldDescription, MeasurementDescription, Schema, TagDescription
from hub.reading import RequestRefused
from streams.queries import Conditions
from streams.stores.base import Store

MOST_MEASUREMENTS = 1_000
MOST_VALUES, DEFAULT_VALUES = 1_000, 100
"""Values of a tag that one answer may have, and has unless it is asked for another number."""
AT_ONCE = 4
"""Measurements asked about at once, for all who ask, so that the store has time for points and windows."""


class Schemas:
    """Describes measurements, to each what its grants let it read. StoreUnavailable, StoreMisconfigured everywhere."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._places = asyncio.Semaphore(AT_ONCE)

    async def all(self, values: int, grants: Grants) -> Schema:
        """Every measurement, sorted by name; of each tag the first `values`."""
        names = [name for name in await self._store.measurements() if grants.may_read(name)]
        described = await self._describe(names[:MOST_MEASUREMENTS], values, _conditions(grants))
        return Schema(described, len(names) > MOST_MEASUREMENTS)

    async def one(self, measurement: str, values: int, grants: Grants) -> Schema:
        """One measurement, or none where nobody has written it. RequestRefused."""
        if not grants.may_read(measurement):
            raise RequestRefused("forbidden", f"the token may not read measurement {measurement[:80]!r}")
        return Schema(await self._describe([measurement], values, _conditions(grants)), more=False)

    async def _describe(self, names: Sequence[str], values: int, where: Conditions) -> list[MeasurementDescription]:
        found = await asyncio.gather(*(self._measurement(name, values, where) for name in names))
        return [description for description in found if description.fields]

    async def _measurement(self, name: str, values: int, where: Conditions) -> MeasurementDescription:
        async with self._places:
            schema = await self._store.schema(name, where)
            tags = [await self._tag(name, tag, values, where) for tag in sorted(schema.tags)]
        fields = [FieldDescription(field, sorted(kinds)) for field, kinds in sorted(schema.fields.items())]
        return MeasurementDescription(name, tags, fields)

    async def _tag(self, measurement: str, tag: str, values: int, where: Conditions) -> TagDescription:
        found = await self._store.tag_values(measurement, tag, values + 1, where)
        return TagDescription(tag, found[:values], len(found) > values)


def _conditions(grants: Grants) -> Conditions:
    return [(tag, (value,)) for tag, value in grants.tags]
