"""Take secrets out of the lines that a step says: most can hold none, which is seen before the finders are imported."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Optional, Sequence

from .known import Secret

if TYPE_CHECKING:
    from .redactor import Redactor

# What each finder needs to find anything; more passes here than is found, never less.
_NEEDED = re.compile(
    r"""(?xia)
      [a-z0-9]{16} | aiza | glpat- | dckr_ | xox | ms-[0-9a-f]                       # runs.py
    | key(?!board|word) | token | secret | pass(?!e[ds]|ing) | pwd | credential       # named.py
    | auth(?!ors?\b|entic) | sign?(?:ature)?(?![a-z])
    | [密口令权]                                                                      # named.py, in Chinese
    | [@$] | hook | cookie | bearer | (?:^|[\s"'-])-u | proxy-u                       # places.py
    | mysql | mariadb | sshpass | redis-cli | login
    | \x1b | 1b\[                                                                     # views.py
    """
)


def may_hold(text: str) -> bool:
    """Tell whether a text may hold a secret that is not known here.

    >>> may_hold("12 passed in 3.4 s"), may_hold("password=x")
    (False, True)
    """
    return bool(_NEEDED.search(text))


class Lines:
    """Takes secrets out of short texts, as a Redactor does, which is made when it is first needed.

    Args:
        known: what is known here; see known.py.
    """

    def __init__(self, known: Sequence[Secret]) -> None:
        self._known = known
        self._redactor: Optional[Redactor] = None

    def text(self, text: str) -> str:
        """Take the secrets out of a text."""
        if not self._known and not may_hold(text):
            return text
        if self._redactor is None:
            from .redactor import Redactor

            self._redactor = Redactor(self._known)
        return self._redactor.text(text)
