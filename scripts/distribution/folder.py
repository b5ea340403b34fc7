"""A folder that all shards see, as a store."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Dict, Optional

from .store import Store, StoreError


class FolderStore(Store):
    """Keys are files. One is claimed by a hard link to it, which only the first can make."""

    def __init__(self, folder: Path) -> None:
        self.where, self._folder = str(folder), folder

    def claim(self, key: str, value: str) -> str:
        """See `Store`."""
        file = self._folder / key
        own = self._written(file, value)
        try:
            with suppress(FileExistsError):
                os.link(own, file)
            return file.read_text(encoding="utf-8")
        except OSError as error:
            raise StoreError(f"{file}: {error.strerror}") from error
        finally:
            with suppress(OSError):
                own.unlink()

    def put(self, key: str, value: str) -> None:
        """See `Store`."""
        file = self._folder / key
        os.replace(self._written(file, value), file)

    def _written(self, file: Path, value: str) -> Path:
        own = file.with_name(f".{uuid.uuid4().hex}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            own.write_text(value, encoding="utf-8")
        except OSError as error:
            raise StoreError(f"{own}: {error.strerror}") from error
        return own

    def get(self, key: str) -> Optional[str]:
        """See `Store`."""
        try:
            return (self._folder / key).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self._folder / key}: {error.strerror}") from error

    def look(self, folder: str) -> Dict[str, str]:
        """See `Store`."""
        there = self._folder / folder
        try:
            names = sorted(name for name in os.listdir(there) if not name.startswith("."))  # noqa: PTH208
            return {name: (there / name).read_text(encoding="utf-8") for name in names}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise StoreError(f"{there}: {error.strerror}") from error
