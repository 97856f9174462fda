# ruff: noqa: S608 (names in the SQL are numbers of our own, users' texts are in no statement)
"""The SQL that puts long windows together from the states of their parts. Pure.

A table of states has a row for each stretch and key, a key being a group, or a series where `Parts.by_series`: `node`,
the stretch's number, `start`, its first pane, `key`, and a column for each state of each field, `total_0` for the
first one's total. For fields whose values are counted there is a table each of `node`, `key`, `value` and `n`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from streams.aggregates import Aggregate
from streams.partials import Parts
from streams.points import Kind
from streams.queries import Query
from streams.stores.duckdb_catalogue import TYPES

_JOINED = {
    "count": "sum({c})::BIGINT",
    "total": "{f}sum({c} ORDER BY start)",
    "rises": "{f}sum({c} ORDER BY start)",
    "area": "fsum({c} ORDER BY start)",
    "min": "min({c})",
    "max": "max({c})",
    "first": "arg_min({c}, start)",
    "last": "arg_max({c}, start)",
    "first_time": "min({c})",
    "last_time": "max({c})",
    "stddev": "fsum(({c} + count_{p} * ({mean} - mean_{p}) * ({mean} - mean_{p})) ORDER BY start)",
}
"""Of a state, over rows in order of `start`; as `stddev` the sum of the squared deviations is kept."""

_JOINED_SERIES = {
    "first": "arg_max({c}, (-first_time_{p}, {first_order}))",
    "last": "arg_max({c}, (last_time_{p}, {c}))",
}
"""Where several rows of one stretch may be joined."""

_CELLS = {
    "count": "coalesce(count_{p}, 0)",
    "sum": "total_{p}",
    "mean": "{mean}",
    "min": "min_{p}",
    "max": "max_{p}",
    "first": "first_{p}",
    "last": "last_{p}",
    "spread": "max_{p}{n} - min_{p}{n}",
    "stddev": "CASE WHEN count_{p} > 1 THEN sqrt(stddev_{p} / (count_{p} - 1)) END",
    "increase": "rises_{p}",
    "rate": "rises_{p} / {seconds}",
    "integral": "area_{p}",
}

_RANKED = "min(value) FILTER (upto >= {rank} AND {rank} >= 1)"
_COUNTED = {
    "distinct": "count(*)",
    "mode": "arg_min(value, (-n, {mode_order}))",
    "median": _RANKED.format(rank="((total + 1) // 2)")
    + "::DOUBLE / 2 + "
    + _RANKED.format(rank="(total // 2 + 1)")
    + "::DOUBLE / 2",
    "percentile": _RANKED.format(rank="floor(total * {percent} / 100::DOUBLE + 0.5::DOUBLE)"),
}
"""Over the different values of a window: `n` how often each is there, `upto` how many are not greater."""


class Layout(NamedTuple):
    """The tables of one query: their number, and of which kinds the fields are that are known."""

    number: int
    query: Query
    parts: Parts
    kinds: Mapping[str, Kind]

    @property
    def states(self) -> str:
        """The table of states."""
        return f"states_{self.number}"

    def counted(self) -> Iterator[tuple[int, str]]:
        """The positions of the fields whose values are counted, and the tables of these."""
        for position, (field, states) in enumerate(zip(self.query.fields, self.parts.states, strict=True)):
            if "values" in states and field in self.kinds:
                yield position, f"values_{self.number}_{position}"

    def columns(self) -> Iterator[tuple[str, str, int, Kind]]:
        """Each column of states: its name and state, its field's position and kind."""
        for position, (field, states) in enumerate(zip(self.query.fields, self.parts.states, strict=True)):
            kind = self.kinds.get(field)
            for state in states if kind else ():
                if kind and state != "values" and Aggregate(state).defined_for(kind):
                    yield f"{state}_{position}", state, position, kind

    def type_of(self, state: str, kind: Kind) -> str:
        """The SQL type of a state's column."""
        if state in {"count", "first_time", "last_time"}:
            return "BIGINT"
        if state in {"stddev", "area"}:
            return "DOUBLE"
        return "HUGEINT" if state in {"total", "rises"} and kind is not Kind.FLOAT else TYPES[kind]


def join_stretches(layout: Layout, nodes: Iterable[tuple[int, int, int]]) -> Iterator[str]:
    """Statements that join stretches: `nodes` are the longer one's number and start with each shorter one's number."""
    members = f"(VALUES {', '.join(map(str, nodes))}) AS m(longer, began, node)"
    chosen = f"(SELECT m.longer, m.began, s.* FROM {members} JOIN {layout.states} AS s ON s.node = m.node)"
    names = [name for name, *_ in layout.columns()]
    yield (
        f"INSERT INTO {layout.states} (node, start, key{''.join(f', {name}' for name in names)})\n"
        + _joined(layout, chosen, "longer, began, key")
    )
    for _, table in layout.counted():
        yield (
            f"INSERT INTO {table} SELECT m.longer, v.key, v.value, sum(v.n)"
            f" FROM {members} JOIN {table} AS v ON v.node = m.node GROUP BY m.longer, v.key, v.value"
        )


def windows_statement(layout: Layout, cover: Iterable[tuple[int, int]]) -> str:
    """What to ask for windows; `cover` has each one's number with each of its stretches'.

    A row has the window's number, the group's, and the cells.
    """
    members = f"(VALUES {', '.join(map(str, cover))}) AS m(number, node)"
    group, groups = "s.key", ""
    if layout.parts.by_series:
        group, groups = "g.grouped", f" JOIN groups_{layout.number} AS g ON g.key = s.key"
    chosen = f"(SELECT m.number, {group} AS grouped, s.* FROM {members}"
    chosen += f" JOIN {layout.states} AS s ON s.node = m.node{groups})"
    tables = [f"({_joined(layout, chosen, 'number, grouped')}) AS j"]
    for position, table in layout.counted():
        counted = f"SELECT m.number, {group} AS grouped, s.value, sum(s.n)::BIGINT AS n FROM {members}"
        counted += f" JOIN {table} AS s ON s.node = m.node{groups} GROUP BY ALL"
        tables.append(f"({_counted(layout, position, counted)}) AS c{position} USING (number, grouped)")
    return f"SELECT {', '.join(['number', 'grouped', *cells(layout)])}\nFROM " + "\nLEFT JOIN ".join(tables)


def cells(layout: Layout) -> list[str]:
    """Each column of the query's windows, of states that were joined."""
    return [
        _cell(aggregate, layout.kinds.get(field), position, layout.query.window_ms)
        for position, (field, aggregates) in enumerate(layout.query.select)
        for aggregate in aggregates
    ]


def _joined(layout: Layout, source: str, by: str) -> str:
    return f"SELECT {', '.join([by, *joined(layout)])} FROM {prepared(layout, source, by)} GROUP BY {by}"


def prepared(layout: Layout, source: str, by: str) -> str:
    """The source with what `joined` needs to know of all rows of each `by` together."""
    columns = list(layout.columns())
    if layout.parts.by_series:
        source = _with_steps(layout, source, by.partition(", ")[0])
    deviating = [position for _, state, position, _ in columns if state == "stddev"]
    if deviating:
        over = f"OVER (PARTITION BY {by})"
        means = (f"sum(total_{p}) {over} / sum(count_{p}) {over} AS mean_{p}" for p in deviating)
        source = f"(SELECT *, {', '.join(means)} FROM {source})"
    return source


def joined(layout: Layout) -> list[str]:
    """Each state, over the rows that are joined."""
    return [
        _fill(_template(layout, state), name, position, kind) + f" AS {name}"
        for name, state, position, kind in layout.columns()
    ]


def _template(layout: Layout, state: str) -> str:
    return _JOINED_SERIES.get(state, _JOINED[state]) if layout.parts.by_series else _JOINED[state]


def _with_steps(layout: Layout, source: str, whole: str) -> str:
    """The source with what a series adds from its last value in one row to its first in the next."""
    over = f"IGNORE NULLS) OVER (PARTITION BY {whole}, key ORDER BY start)"
    before, stepped = [], []
    for name, state, p, kind in layout.columns():
        if state == "rises":
            before.append(f"lag(last_{p} {over} AS before_{p}")
            rise = _fill("coalesce({c}, 0) + (first_{p}{n} - before_{p}{n})", name, p, kind)
            stepped.append(f"CASE WHEN first_{p} >= before_{p} THEN {rise} ELSE {name} END AS {name}")
        elif state == "area":
            before += [f"lag(last_{p} {over} AS ended_{p}", f"lag(last_time_{p} {over} AS since_{p}"]
            area = f"(ended_{p}::DOUBLE + first_{p}::DOUBLE) / 2 * ((first_time_{p} - since_{p}) / 1e9)"
            stepped.append(f"{name} + coalesce({area}, 0) AS {name}")
    if not stepped:
        return source
    return f"(SELECT * REPLACE ({', '.join(stepped)}) FROM (SELECT *, {', '.join(before)} FROM {source}))"


def _counted(layout: Layout, position: int, source: str) -> str:
    field, aggregates = layout.query.select[position]
    kind = layout.kinds[field]
    results = [
        f"{_of_values(aggregate, kind)} AS {_counted_name(aggregate, position)}"
        for aggregate in aggregates
        if _counts_values(aggregate) and aggregate.defined_for(kind)
    ]
    over = "OVER (PARTITION BY number, grouped"
    ranked = f"SELECT *, sum(n) {over} ORDER BY value) AS upto, sum(n) {over}) AS total FROM ({source})"
    return f"SELECT {', '.join(['number', 'grouped', *results])} FROM ({ranked}) GROUP BY number, grouped"


def _counts_values(aggregate: Aggregate) -> bool:
    return aggregate.percent is not None or aggregate.name in _COUNTED


def _counted_name(aggregate: Aggregate, position: int) -> str:
    return f'"{aggregate.name}_{position}"'


def _of_values(aggregate: Aggregate, kind: Kind) -> str:
    template = _COUNTED["percentile" if aggregate.percent is not None else aggregate.name]
    order = "NOT value" if kind is Kind.BOOLEAN else "value"
    return template.format(mode_order=order, percent=f"{aggregate.percent!r}::DOUBLE")


def _cell(aggregate: Aggregate, kind: Kind | None, position: int, window_ms: int) -> str:
    if kind is None:
        return "0" if aggregate.name == "count" else "NULL"
    if not aggregate.defined_for(kind):
        return "NULL"
    if _counts_values(aggregate):
        return aggregate.fitted(_counted_name(aggregate, position), kind)
    seconds = f"{window_ms / 1_000!r}::DOUBLE"
    return aggregate.fitted(f"({_fill(_CELLS[aggregate.name], '', position, kind, seconds)})", kind)


def _fill(template: str, column: str, position: int, kind: Kind, seconds: str = "") -> str:
    is_float = kind is Kind.FLOAT
    return template.format(
        c=column,
        p=position,
        n="" if is_float else "::HUGEINT",
        f="f" if is_float else "",
        mean=f"(total_{position}::DOUBLE / count_{position})",
        first_order=f"NOT {column}" if kind is Kind.BOOLEAN else column,
        seconds=seconds,
    )
