"""Bytes on their way from Meta to the store: in memory while they are few, else in a file. Their hash grows
along."""

import asyncio
import hashlib
import secrets
from pathlib import Path
from typing import BinaryIO, Self

IN_MEMORY = 1024 * 1024
"""Bytes up to which no file is made; nearly every picture stays below."""


class Received:
    """What came so far. Use as a context manager: the file goes at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory = bytearray()
        self._path: Path | None = None
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    async def add(self, piece: bytes) -> None:
        """The next bytes."""
        self._hash.update(piece)
        self.size += len(piece)
        if self._file is None:
            self._memory += piece
            if len(self._memory) > IN_MEMORY:
                await asyncio.to_thread(self._spill)
            return
        await asyncio.to_thread(self._file.write, piece)

    def _spill(self) -> None:
        self._path = self._folder / secrets.token_hex(12)
        self._file = self._path.open("xb", buffering=0)
        self._file.write(self._memory)
        self._memory = bytearray()

    def clear(self) -> None:
        """Forgets all of it."""
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self._memory, self._path, self._file = bytearray(), None, None
        self._hash, self.size = hashlib.sha256(), 0

    @property
    def sha256(self) -> str:
        """Of all that came, in hex."""
        return self._hash.hexdigest()

    @property
    def content(self) -> bytes | Path:
        """The bytes, or the file that holds them."""
        return bytes(self._memory) if self._path is None else self._path
