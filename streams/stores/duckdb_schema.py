# ruff: noqa: S608 (names in the SQL are the catalogue's own numbers, users' texts are bound)
"""What to ask DuckDB for the fields and tags of some series, and for the values of a tag. Pure."""

from collections.abc import Iterable

from streams.queries import Conditions
from streams.stores.duckdb_catalogue import Table, narrow_number
from streams.stores.duckdb_relations import Statement, conditions, keys_of


def tag_values(table: Table, tag: str, limit: int, where: Conditions) -> Statement | None:
    """What to ask for the first values of a tag that the table has; None where no series meets the conditions."""
    met = conditions(where, table)
    if met is None:
        return None
    tests, values = met
    column = table.tags[tag]
    keys = keys_of(table, [column, *_tags(table, where)])
    kept = " AND ".join([f"{column} IS NOT NULL", *tests])
    return Statement(f"SELECT DISTINCT {column} FROM {keys} AS s WHERE {kept} ORDER BY 1 LIMIT {limit}", values)


def present_tags(table: Table, where: Conditions) -> Statement | None:
    """What to ask for the columns of the tags that the series have; None where none meets the conditions."""
    own = (tag for tag in table.tags.values() if narrow_number(tag) is None)
    return _present(table, where, "s", own, "SELECT 'n' || tag FROM hub_tag_values AS p")


def present_fields(table: Table, where: Conditions) -> Statement | None:
    """What to ask for the columns of the fields that points have; None where no series meets the conditions."""
    own = (column for column, _ in table.fields.values() if narrow_number(column) is None)
    return _present(table, where, "p", own, "SELECT 'n' || field FROM hub_values AS p")


def _present(table: Table, where: Conditions, of: str, columns: Iterable[str], narrow: str) -> Statement | None:
    met = conditions(where, table)
    if met is None:
        return None
    tests, values = met
    keys = f"{keys_of(table, _tags(table, where))} AS s"
    narrow = f"{narrow} JOIN {keys} ON s.number = p.series WHERE p.measurement = {table.number}"
    parts = [" AND ".join([narrow, *tests])]
    counted = ", ".join(f"CASE WHEN count({of}.{column}) > 0 THEN '{column}' END" for column in columns)
    if counted:
        source = keys if of == "s" else f"{table.points} AS p JOIN {keys} ON s.number = p.series"
        parts.append(f"SELECT unnest([{counted}]) FROM {source}{' WHERE ' if tests else ''}{' AND '.join(tests)}")
    return Statement(" UNION ".join(parts), values * len(parts))


def _tags(table: Table, where: Conditions) -> list[str]:
    """The columns that conditions are about."""
    return [table.tags[tag] for tag, _ in where if tag in table.tags]
