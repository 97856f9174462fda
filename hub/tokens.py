"""The file of static tokens: `[tokens.NAME]`, which has hashes of them and no token. Reading it, and changing it."""

import fcntl
import hashlib
import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from hub.auth import GRANTS, Grants, GrantsInvalid, Principal, parse_grants, unknown_key
from hub.settings import SettingInvalid

KEYS = ("hash", *GRANTS, "expires")
PREFIX = "pxl_"
"""How tokens begin, so that one that got into a repository or a log is found."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_token() -> str:
    """A token that nobody can guess."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """What is kept of a token: as it is random and long, no slow hash is needed."""
    return f"sha256:{hashlib.sha256(token.encode('utf-8', 'surrogatepass')).hexdigest()}"


def parse_tokens(text: str, origin: str) -> dict[str, Principal]:
    """The principals of a file's text by the hash of their token; SettingInvalid names file, token and key."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingInvalid(f"{origin} is not TOML: {error}") from None
    tables = document.pop("tokens", {})
    if document or not isinstance(tables, dict):
        raise SettingInvalid(f"{origin}: expected nothing but tables [tokens.NAME]")
    principals: dict[str, Principal] = {}
    for name, table in tables.items():
        try:
            principal = _principal(name, table)
        except ValueError as error:
            raise SettingInvalid(f"{origin}: [tokens.{name}] {error}") from None
        if principal.credential in principals:
            raise SettingInvalid(f"{origin}: {name} and {principals[principal.credential].name} have the same hash")
        principals[principal.credential] = principal
    return principals


def read_tokens(path: Path) -> dict[str, Principal]:
    """As `parse_tokens`, of a file."""
    return parse_tokens(_read(path), str(path))


def with_token(text: str, name: str, token_hash: str, grants: Grants, expires: int | None) -> str:
    """The file's text with one token more; ValueError where there is one of this name."""
    check_name(name)
    document = tomlkit.parse(text)
    tables = document.setdefault("tokens", tomlkit.table(is_super_table=True))
    if name in tables:
        raise ValueError(f"there is a token {name!r} already: revoke it first, or choose another name")
    table = tomlkit.table()
    for key, value in {"hash": token_hash, "write": list(grants.write), "read": list(grants.read)}.items():
        table[key] = value
    if grants.tags:
        inline = tomlkit.inline_table()
        inline.update(dict(grants.tags))
        table["tags"] = inline
    for flag in ("admin", "backfill"):
        if getattr(grants, flag):
            table[flag] = True
    if expires is not None:
        table["expires"] = _EPOCH + timedelta(milliseconds=expires)
    tables[name] = table
    return tomlkit.dumps(document)


def without_token(text: str, name: str) -> str:
    """The file's text without this token; ValueError names those that there are."""
    document = tomlkit.parse(text)
    tables = document.get("tokens", {})
    if name not in tables:
        raise ValueError(f"there is no token {name!r}; there are {', '.join(tables) or 'none'}")
    del tables[name]
    return tomlkit.dumps(document)


def change(path: Path, edit: Callable[[str], str]) -> None:
    """Put the edited text in the place of the file's, whole or not at all; only its owner may read it.

    A file that is not there is made. Of two that change it at once, the second sees what the first has done.
    SettingInvalid where it cannot be.
    """
    folder = path.absolute().parent
    try:
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            parse_tokens(text, str(path))
            changed = edit(text)
            parse_tokens(changed, str(path))
            _replace(path, changed)
            os.fsync(lock)
        finally:
            os.close(lock)
    except OSError as error:
        raise SettingInvalid(f"{path} cannot be changed: {error.strerror or error}") from None
    except (ValueError, TOMLKitError) as error:
        raise SettingInvalid(f"{path}: {error}") from None


def check_name(name: str) -> None:
    """ValueError where this is no name of a token."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a token: use up to 64 letters, digits and _ . @ -")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingInvalid(
            f"tokens: there is no file {path}; make it with: pxl-hub token add NAME --tokens {path} --read '*'"
        ) from None
    except OSError as error:
        raise SettingInvalid(f"tokens: {path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise SettingInvalid(f"tokens: {path} is not UTF-8 text") from None


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _principal(name: str, table: Any) -> Principal:
    check_name(name)
    if not isinstance(table, Mapping):
        raise GrantsInvalid("expected a table")
    for key in table:
        if key not in KEYS:
            raise GrantsInvalid(unknown_key(key, KEYS))
    token_hash = table.get("hash")
    if not isinstance(token_hash, str) or not _HASH.fullmatch(token_hash):
        raise GrantsInvalid("hash: expected sha256: and 64 hexadecimal digits, as `pxl-hub token add` writes it")
    return Principal(name, parse_grants(table), token_hash, _expires(table.get("expires")))


def _expires(given: Any) -> int | None:
    if given is None:
        return None
    if isinstance(given, str):
        with suppress(ValueError):
            given = datetime.fromisoformat(given)
    if not isinstance(given, datetime) or given.tzinfo is None:
        raise GrantsInvalid("expires: expected a time with its zone, as in 2026-12-31T12:00:00Z")
    return (given - _EPOCH) // timedelta(milliseconds=1)
