"""A DuckDB store for the time of a test, in a file that others may open after it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from streams.stores.duckdb import MOST_COLUMNS, DuckDBStore


@asynccontextmanager
async def opened(path: Path | None, most_columns: int = MOST_COLUMNS) -> AsyncIterator[DuckDBStore]:
    """Open, and closed in the end; `path` is None for one in memory."""
    store = DuckDBStore(None if path is None else str(path), most_columns)
    await store.open()
    try:
        yield store
    finally:
        await store.close()
