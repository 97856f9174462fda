"""This machine's metrics as points. `read_machine` asks the system; all that follows from two readings is pure."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from hub.client.points import FieldValue, Point


class CoreTimes(NamedTuple):
    """Seconds a core has spent since the start of the machine."""

    user: float
    system: float
    iowait: float
    total: float
    idle: float


class Traffic(NamedTuple):
    """What has gone into and out of a device since the start of the machine: bytes, and operations or packets."""

    bytes_in: int
    bytes_out: int
    count_in: int
    count_out: int


class Reading(NamedTuple):
    """What the system said at `time`, nanoseconds since the epoch: counters, and levels that are points already."""

    time: int
    cores: Mapping[str, CoreTimes]
    disks: Mapping[str, Traffic]
    interfaces: Mapping[str, Traffic]
    memory: Mapping[str, FieldValue]
    load: Mapping[str, FieldValue]
    usage: Mapping[str, Mapping[str, FieldValue]]
    """By device."""


def points_between(before: Reading, after: Reading, host: str) -> list[Point]:
    """The points at the time of `after`: its levels, and the rates since `before`."""
    seconds = (after.time - before.time) / 1e9
    points = [
        Point("memory", after.memory, {"host": host}, after.time),
        Point("load", after.load, {"host": host}, after.time),
    ]
    for tag, measurement, rates in (
        ("core", "cpu", _core_rates(before.cores, after.cores)),
        ("device", "disk", iter(after.usage.items())),
        ("device", "diskio", _traffic_rates(before.disks, after.disks, seconds, _DISK_FIELDS)),
        ("interface", "network", _traffic_rates(before.interfaces, after.interfaces, seconds, _NETWORK_FIELDS)),
    ):
        points += [Point(measurement, fields, {"host": host, tag: name}, after.time) for name, fields in rates]
    return points


_DISK_FIELDS = ("read_bytes_per_second", "written_bytes_per_second", "reads_per_second", "writes_per_second")
_NETWORK_FIELDS = (
    "received_bytes_per_second",
    "sent_bytes_per_second",
    "received_packets_per_second",
    "sent_packets_per_second",
)

Rates = Iterator[tuple[str, Mapping[str, FieldValue]]]


def _core_rates(before: Mapping[str, CoreTimes], after: Mapping[str, CoreTimes]) -> Rates:
    for core, now in after.items():
        then = before.get(core)
        total = now.total - then.total if then else 0.0
        if then is None or total <= 0:
            continue  # the core is new, or so little time has passed that its clock has not moved
        idle = now.idle - then.idle + now.iowait - then.iowait
        spent = {
            "usage_percent": total - idle,
            "user_percent": now.user - then.user,
            "system_percent": now.system - then.system,
            "iowait_percent": now.iowait - then.iowait,
        }
        # Linux lets idle and iowait run backwards by a tick at times.
        yield core, {name: min(100.0, max(0.0, 100.0 * share / total)) for name, share in spent.items()}


def _traffic_rates(
    before: Mapping[str, Traffic], after: Mapping[str, Traffic], seconds: float, names: tuple[str, ...]
) -> Rates:
    for device, now in after.items():
        then = before.get(device)
        if then is None or seconds <= 0 or any(b < a for a, b in zip(then, now, strict=True)):
            continue  # the device is new, or its counters began anew
        yield (
            device,
            {name: (new - old) / seconds for name, old, new in zip(names, then, now, strict=True)},
        )


def read_machine() -> Reading:
    """Ask the system now; takes a few milliseconds. Devices that have never carried anything are left out."""
    return Reading(
        time.time_ns(), _read_cores(), _read_disks(), _read_interfaces(), _read_memory(), _read_load(), _read_usage()
    )


def _read_cores() -> dict[str, CoreTimes]:
    return {str(core): _core_times(times) for core, times in enumerate(psutil.cpu_times(percpu=True))}


def _core_times(times: Any) -> CoreTimes:
    """psutil's record, whose fields differ between systems; guests' time is part of the user's already."""
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return CoreTimes(times.user, times.system, getattr(times, "iowait", 0.0), total, times.idle)


def _read_disks() -> dict[str, Traffic]:
    counters = psutil.disk_io_counters(perdisk=True) or {}
    whole = {path.name for path in Path("/sys/block").glob("*")}  # not partitions, whose traffic is the disk's too
    return {
        name: Traffic(io.read_bytes, io.write_bytes, io.read_count, io.write_count)
        for name, io in counters.items()
        if (not whole or name in whole) and io.read_count + io.write_count
    }


def _read_interfaces() -> dict[str, Traffic]:
    return {
        name: Traffic(io.bytes_recv, io.bytes_sent, io.packets_recv, io.packets_sent)
        for name, io in psutil.net_io_counters(pernic=True).items()
        if io.bytes_recv + io.bytes_sent
    }


def _read_memory() -> dict[str, FieldValue]:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return {
        "total_bytes": memory.total,
        "available_bytes": memory.available,
        "used_bytes": memory.total - memory.available,
        "used_percent": 100.0 * (memory.total - memory.available) / memory.total,
        "swap_used_bytes": swap.used,
    }


def _read_load() -> dict[str, FieldValue]:
    return dict(zip(("load1", "load5", "load15"), psutil.getloadavg(), strict=True))


def _read_usage() -> dict[str, dict[str, FieldValue]]:
    usage: dict[str, dict[str, FieldValue]] = {}
    for partition in psutil.disk_partitions():
        if partition.device in usage:
            continue  # mounted a second time
        try:
            space = psutil.disk_usage(partition.mountpoint)
        except OSError:
            continue  # not ours to look at, or gone
        if space.total:
            usage[partition.device] = {
                "total_bytes": space.total,
                "used_bytes": space.used,
                "free_bytes": space.free,
                "used_percent": 100.0 * space.used / (space.used + space.free or 1),
            }
    return usage
