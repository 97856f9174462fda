"""The documents for people, and what is written in them: commands, code, files, settings."""

import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import typer

from hub.commands import app

ROOT = Path(__file__).parents[1]
HIDDEN = {".venv", "node_modules", "built", ".git"}
DOCUMENTS = sorted(
    path
    for pattern in ("README.md", "hub/**/*.md", "streams/**/*.md", "infra/**/*.md")
    for path in ROOT.glob(pattern)
    if HIDDEN.isdisjoint(path.relative_to(ROOT).parts)
)

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")


class Block(NamedTuple):
    """A block of code in a document."""

    language: str
    text: str


def blocks(document: Path, language: str = "") -> list[Block]:
    """The document's blocks, those of one language if one is named."""
    found = [Block(name, textwrap.dedent(text)) for _, name, text in _BLOCK.findall(document.read_text())]
    return [block for block in found if language in ("", block.language)]


def inline(document: Path) -> list[str]:
    """What stands between backticks in the document's prose."""
    return _INLINE.findall(_BLOCK.sub("", document.read_text()))


def commands(document: Path) -> list[list[str]]:
    """The words of each call of our own commands, in blocks for a shell and in the prose."""
    lines = [line.removeprefix("$ ") for block in blocks(document) if block.language in ("console", "sh", "bash")
             for line in block.text.replace("\\\n", " ").splitlines()]  # fmt: skip
    return [words for line in (*lines, *inline(document)) if (words := words_of(line))]


def words_of(line: str) -> list[str]:
    """The words of a call of `pxl-hub` or of a script, without what is before and behind; none of another line."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return []
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    if not words or not (words[0] in ("pxl-hub", ".venv/bin/pxl-hub") or words[0].startswith("scripts/")):
        return []
    words[0] = words[0].removeprefix(".venv/bin/")
    end = next((index for index, word in enumerate(words) if word in ("|", ">", "&", "&&", ";")), len(words))
    return words[:end]


class Command(NamedTuple):
    """A command of `pxl-hub`: the words that call it, and what its help says."""

    path: tuple[str, ...]
    help: str

    @property
    def examples(self) -> list[list[str]]:
        """The calls that its help shows."""
        lines = [line.strip() for line in self.help.splitlines() if line.startswith(" " * 4)]
        return [words for line in lines if (words := words_of(line))]


def known_commands() -> list[Command]:
    """Every command that does something."""
    return [Command(path, command.help or "") for path, command in _walk(_tree(), ()) if command.callback]


def parse(words: list[str]) -> tuple[str, ...]:
    """The command that these words call; an exception where it would not take them. Nothing is done."""
    tree = _tree()
    if words[1] in {name for option in tree.params for name in option.opts}:
        return ()  # to try it would change the user's shell
    called: list[tuple[str, ...]] = []
    for path, command in _walk(tree, ()):
        command.callback = lambda path=path, **_: called.append(path)
    tree.main(words[1:], prog_name=words[0], standalone_mode=False)
    return max(called, key=len, default=())


def _tree() -> Any:
    return typer.main.get_command(app)


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = {name: command.get_command(None, name) for name in getattr(command, "list_commands", lambda _: [])(None)}
    if path and (not inner or command.invoke_without_command):
        yield path, command
    for name, one in inner.items():
        yield from _walk(one, (*path, name))
