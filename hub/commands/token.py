"""`pxl-hub token`: make, list and revoke the tokens that open a hub."""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.auth import Grants, GrantsInvalid, Principal, parse_grants
from hub.settings import SettingInvalid, load_settings
from hub.tokens import change, check_name, hash_of, new_token, read_tokens, with_token, without_token
from streams.durations import parse_duration

token = typer.Typer(help="The tokens that open a hub: make, list and revoke them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="What the token is called; its holder never sees it.")]
File = Annotated[str | None, typer.Option("--tokens", help="The file; default: HUB_TOKENS.", show_default=False)]


@token.command()
def add(
    name: Name,
    *,
    tokens: File = None,
    write: Annotated[list[str] | None, typer.Option(help="Measurements it may write: weather*; repeatable.")] = None,
    read: Annotated[list[str] | None, typer.Option(help="Streams and measurements it may read; repeatable.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE on every point it writes and in every query; repeatable.")
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="It may see what is the operator's, as /metrics.")] = False,
    backfill: Annotated[bool, typer.Option("--backfill", help="It may write points of any age.")] = False,
    expires: Annotated[str | None, typer.Option(help="When it ends: 30d from now, or 2026-12-31T12:00:00Z.")] = None,
) -> None:
    """Make a token, put its hash into the file, and print it: this once, the file does not have it.

    A hub that uses the file knows it within seconds.

        pxl-hub token add roof --tokens tokens.toml --write 'weather*' --tag site=roof

        pxl-hub token add wall --tokens tokens.toml --read weather --expires 30d

    Exit codes: 0 made, 2 wrong options, or the file cannot be changed.
    """
    try:
        check_name(name)
        grants = parse_grants(
            {"write": write or [], "read": read or [], "tags": _tags(tag or []), "admin": admin, "backfill": backfill}
        )
        until = None if expires is None else _moment(expires, time.time_ns() // 10**6)
    except (GrantsInvalid, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    if not (grants.write or grants.read or grants.admin):
        raise typer.BadParameter("a token that may do nothing opens nothing: give --write, --read or --admin")
    secret = new_token()
    file = _file(tokens)
    change(file, lambda text: with_token(text, name, hash_of(secret), grants, until))
    print(f"{name} is in {file}; keep its token, it is not shown again:", file=sys.stderr)
    print(secret)


@token.command("list")
def list_tokens(
    tokens: File = None, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False
) -> None:
    """List the tokens in the file, and what each may do.

        pxl-hub token list --tokens tokens.toml

    Exit codes: 0 listed, 2 wrong options, or the file cannot be read.
    """
    known = read_tokens(_file(tokens)).values()
    if as_json:
        print(json.dumps({"tokens": [_described(principal) for principal in known]}, indent=2))
        return
    now = time.time_ns() // 10**6
    table = Table("name", "write", "read", "tags", "admin", "backfill", "expires", box=None, pad_edge=False)
    for principal in known:
        grants = principal.grants
        tags = ", ".join(f"{name}={value}" for name, value in grants.tags)
        flags = ("yes" if flag else "" for flag in (grants.admin, grants.backfill))
        expired = " (expired)" if principal.expires is not None and principal.expires <= now else ""
        row = (principal.name, ", ".join(grants.write), ", ".join(grants.read), tags, *flags)
        table.add_row(*map(Text, row), Text((_text(principal.expires) or "never") + expired))
    Console().print(table)


@token.command()
def revoke(name: Name, tokens: File = None) -> None:
    """Take a token out of the file. A running hub closes its connections within seconds.

        pxl-hub token revoke roof --tokens tokens.toml

    Exit codes: 0 revoked, 2 there is no such token, or the file cannot be changed.
    """
    file = _file(tokens)
    if not file.exists():
        read_tokens(file)  # says what is wrong
    change(file, lambda text: without_token(text, name))
    print(f"{name} is revoked", file=sys.stderr)


def _file(given: str | None) -> Path:
    file = load_settings({"tokens": given}).tokens
    if not file:
        raise SettingInvalid("tokens: name the file, as in --tokens tokens.toml, or set HUB_TOKENS")
    return Path(file).expanduser()


def _tags(given: list[str]) -> dict[str, str]:
    tags = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or name in tags:
            raise ValueError(f"--tag {word}: expected NAME=VALUE, and each name once")
        tags[name] = value
    return tags


def _moment(given: str, now: int) -> int:
    """Milliseconds since the epoch of a duration from now, or of a time. ValueError."""
    try:
        moment = now + parse_duration(given)
    except ValueError:
        try:
            time_given = datetime.fromisoformat(given)
        except ValueError:
            time_given = None
        if time_given is None or time_given.tzinfo is None:
            raise ValueError(f"--expires {given}: expected 30d, or a time such as 2026-12-31T12:00:00Z") from None
        moment = int(time_given.timestamp() * 1_000)
    if moment <= now:
        raise ValueError(f"--expires {given}: this has passed already")
    return moment


def _text(expires: int | None) -> str | None:
    return None if expires is None else f"{datetime.fromtimestamp(expires / 1_000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _described(principal: Principal) -> dict[str, object]:
    grants: Grants = principal.grants
    return {
        "name": principal.name,
        "write": list(grants.write),
        "read": list(grants.read),
        "tags": dict(grants.tags),
        "admin": grants.admin,
        "backfill": grants.backfill,
        "expires": _text(principal.expires),
    }
