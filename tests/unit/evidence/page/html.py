"""Read a page as a browser does, strictly: what is not well formed, or not its own, is an error."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any, Dict, List, Optional, Tuple

VOID = {"meta", "link", "br", "input", "img"}
ADDRESSES = ("src", "href", "action", "data", "poster", "xlink:href", "srcset")


class Page(HTMLParser):
    """The elements of a page: problems, ids, addresses, and the text of each element of a kind."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.problems: List[str] = []
        self.ids: List[str] = []
        self.addresses: List[str] = []
        self.elements: List[Tuple[str, Dict[str, Optional[str]]]] = []
        self.texts: List[str] = []
        self._open: List[str] = []
        self.feed(html)
        self.close()
        self.problems += [f"{tag} is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attributes: List[Tuple[str, Optional[str]]]) -> None:
        facts = dict(attributes)
        self.elements.append((tag, facts))
        if len(facts) != len(attributes):
            self.problems.append(f"{tag} has an attribute twice: {attributes}")
        self.ids += [value or "" for name, value in attributes if name == "id"]
        self.addresses += [value or "" for name, value in attributes if name in ADDRESSES]
        self.problems += [f"{tag} has {name}" for name in facts if name.startswith("on") or name == "style"]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: List[Tuple[str, Optional[str]]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"line {self.getpos()[0]}: </{tag}> closes {self._open[-1:]}")
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, text: str) -> None:
        if not {"script", "style"} & set(self._open):
            self.texts.append(text)

    @property
    def text(self) -> str:
        """What stands in the page, in both languages."""
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def of(self, tag: str) -> List[Dict[str, Optional[str]]]:
        """The attributes of all elements of a kind."""
        return [facts for name, facts in self.elements if name == tag]

    @property
    def data(self) -> Any:
        """What is embedded for the scripts."""
        return json.loads(self.html.split('id="data">', 1)[1].split("</script>", 1)[0])

    def unlabelled(self) -> List[str]:
        """Elements that a screen reader could not name."""
        return [
            f"{tag} {facts}"
            for tag, facts in self.elements
            if (tag in ("audio", "canvas") or facts.get("role") in ("group", "region", "grid") or tag == "nav")
            and not (facts.get("aria-label") or facts.get("aria-labelledby"))
        ]
