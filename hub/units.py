"""The units of settings: each makes a value of its text, or says in a ValueError what it expects."""

import re

from streams.durations import parse_duration


def text(value: str) -> str:
    """text"""
    return value


def number(value: str) -> int:
    """whole number"""
    if not re.fullmatch(r"\d{1,15}", value):
        raise ValueError(f"expected a whole number, not {value!r}")
    return int(value)


def port(value: str) -> int:
    """port"""
    if not re.fullmatch(r"\d{1,5}", value) or int(value) > 65_535:
        raise ValueError(f"expected a port from 0 to 65535, not {value!r}")
    return int(value)


def count(value: str) -> int:
    """number from 1"""
    if number(value) < 1:
        raise ValueError("expected at least 1")
    return int(value)


def size(value: str) -> int:
    """size"""
    match = re.fullmatch(r"(\d{1,12})\s*(B|KiB|MiB|GiB)?", value)
    if match is None or int(match[1]) == 0:
        raise ValueError(f"expected a size such as 512KiB or 4MiB, not {value!r}")
    return int(match[1]) * {None: 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[match[2]]


def duration(value: str) -> int:
    """duration"""
    return parse_duration(value)


def level(value: str) -> str:
    """debug, info, warning or error"""
    if value.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError(f"expected debug, info, warning or error, not {value!r}")
    return value.lower()


def log_format(value: str) -> str:
    """auto, text or json"""
    if value.lower() not in {"auto", "text", "json"}:
        raise ValueError(f"expected auto, text or json, not {value!r}")
    return value.lower()


def flag(value: str) -> bool:
    """true or false"""
    if value not in {"true", "false"}:
        raise ValueError(f"expected true or false, not {value!r}")
    return value == "true"


def algorithm(value: str) -> str:
    """RS256, ES256, EdDSA, HS256 or a longer one of these"""
    known = [f"{family}{bits}" for family in ("HS", "RS", "PS", "ES") for bits in (256, 384, 512)]
    if value not in (*known, "EdDSA"):
        raise ValueError(f"expected one of {', '.join(known)}, EdDSA, not {value!r}")
    return value


def origins(value: str) -> tuple[str, ...]:
    """origins"""
    given = tuple(origin.strip() for origin in value.split(",") if origin.strip())
    for origin in given:
        if not re.fullmatch(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?", origin):
            raise ValueError(f"expected origins such as https://dashboard.example, divided by commas, not {origin!r}")
    return tuple(origin.lower() for origin in given)
