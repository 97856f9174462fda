"""What is kept on this host's disk while the store is away: synced before the ack, in order, shared by the workers."""

from streams.ingest.spool.errors import SpoolFailed, SpoolFull
from streams.ingest.spool.records import SpoolEntry
from streams.ingest.spool.spool import Spool, SpoolStatistics

__all__ = ["Spool", "SpoolEntry", "SpoolFailed", "SpoolFull", "SpoolStatistics"]
