"""Lines of line protocol side by side in one text, as they came and as they leave."""

from collections.abc import Iterator, Sequence
from typing import overload


class Text(Sequence[bytes]):
    """Lines as one text, which is cut into them only when one is looked at: mostly all are passed on together.

    `data` has `count` lines, none with a line break in it, and one between each two.
    """

    __slots__ = ("_count", "_cut", "data")

    def __init__(self, data: bytes, count: int) -> None:
        self.data = data
        self._count = count
        self._cut: list[bytes] | None = None

    def _lines(self) -> list[bytes]:
        if self._cut is None:
            self._cut = self.data.split(b"\n") if self._count else []
        return self._cut

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._lines())

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        return self._lines()[index]


def text_of(lines: Sequence[bytes]) -> bytes:
    """The lines with a line break between each two."""
    return lines.data if isinstance(lines, Text) else b"\n".join(lines)


def size_of(lines: Sequence[bytes]) -> int:
    """How many bytes they have without the line breaks between them."""
    return len(lines.data) - max(len(lines) - 1, 0) if isinstance(lines, Text) else sum(map(len, lines))


def together(parts: Sequence[Sequence[bytes]]) -> Sequence[bytes]:
    """The lines of all parts, in order: one text where each of them is one."""
    texts = [part for part in parts if isinstance(part, Text) and part]
    if len(texts) == len(parts):
        return Text(b"\n".join([text.data for text in texts]), sum(map(len, texts)))
    return [line for part in parts for line in part]
