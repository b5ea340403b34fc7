"""A text as one word that any store takes: compressed, in letters."""

from __future__ import annotations

import base64
import zlib


def packed(text: str) -> str:
    """Pack a text; what UTF-8 cannot hold, too.

    >>> unpacked(packed("a plan"), 6)
    'a plan'
    """
    return base64.b64encode(zlib.compress(text.encode("utf-8", "surrogatepass"))).decode("ascii")


def unpacked(word: str, most_bytes: int) -> str:
    """Unpack a text.

    Raises:
        ValueError: it is none, is cut, or is longer than that.
    """
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(base64.b64decode(word.encode("ascii"), validate=True), most_bytes)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not unpacking.eof:
        raise ValueError("it is cut, or too long")
    return content.decode("utf-8", "surrogatepass")
