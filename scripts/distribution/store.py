"""What shards claim pieces in: a few small values under keys, and one word that only the first may say.

Every store of a run has a place of its own there (run, attempt), so that no key of another run is ever met. Keys are
`claims/PIECE.N` (never change), `beats/INDEX`, and a few more; see `queue.py`. Values are short texts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Dict, Optional

from ..errors import PipelineError


class StoreError(PipelineError):
    """The store cannot be reached, refuses, or does not keep what it says."""


class Store(ABC):
    """A place that all shards of a run reach. Each call either did what it says, or raises StoreError.

    `where` is what people call it, without credentials; `latency_s` what a claim took at the start.
    """

    where = ""
    latency_s = 0.0

    @abstractmethod
    def claim(self, key: str, value: str) -> str:
        """Make a key that never changes, unless it is there; its value then: ours where we were first.

        Also where the answer to our first try was lost: the value says whose it is. So it must be unlike any other's.

        Raises:
            StoreError: the store cannot be asked, or says neither.
        """

    @abstractmethod
    def put(self, key: str, value: str) -> None:
        """Write a key, whatever was there.

        Raises:
            StoreError: it cannot be written.
        """

    @abstractmethod
    def get(self, key: str) -> Optional[str]:
        """Read a key; None where it is not there.

        Raises:
            StoreError: the store cannot be asked.
        """

    @abstractmethod
    def look(self, folder: str) -> Dict[str, str]:
        """Read all keys below `folder/`, by what follows that. Keys of `claims` are asked for their value once.

        Raises:
            StoreError: the store cannot be asked.
        """
