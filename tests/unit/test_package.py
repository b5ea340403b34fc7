"""What our package says of itself: it needs what its modules import, and nothing else; its licence, Pythons, words."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path
from typing import Dict, Iterable, Iterator, Set

from nox.project import load_toml
from packaging.requirements import Requirement

from tests.unit.test_layers import MODULES, is_of_the_standard_library

ROOT = Path(__file__).parents[2]
PROJECT = load_toml(ROOT / "pyproject.toml")["project"]
ALWAYS = {Requirement(text).name for text in PROJECT["dependencies"]}
SOMETIMES = {Requirement(text).name for texts in PROJECT["optional-dependencies"].values() for text in texts}

CALLED = {"yaml": "pyyaml", "parselmouth": "praat-parselmouth", "pynvml": "nvidia-ml-py"}  # import -> distribution
# What a dependency brings along, and is there for as long as that needs it.
BROUGHT = {"urllib3": "requests", "certifi": "requests", "markupsafe": "jinja2"}
NOT_IMPORTED = {"pysocks": "requests imports it for a proxy of socks5://"}
OF_SUITES = {"coverage": "combine_coverage.py is run by the suite's Python"}


@lru_cache(maxsize=None)
def tree(module: Path) -> ast.Module:
    """The code of a module; none where no line of it looks as if it imported a package of others, which is faster."""
    text = module.read_text(encoding="utf-8")
    names = set(re.findall(r"(?m)^\s*(?:from|import) ([a-z]\w*)", text))
    return ast.parse(text if any(not is_standard(name) for name in names) else "")


is_standard = lru_cache(maxsize=None)(is_of_the_standard_library)


def imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The packages of others that are imported in some part of a module."""
    for node in nodes:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) and not node.level else []
        yield from (name.partition(".")[0] for name in names if not is_standard(name))


def needed() -> Dict[str, Set[str]]:
    """By distribution, the modules that need it."""
    found: Dict[str, Set[str]] = {}
    for module in MODULES:
        for name in imported(ast.walk(tree(module))):
            distribution = BROUGHT.get(name) or CALLED.get(name, name)
            found.setdefault(distribution, set()).add(module.relative_to(ROOT).as_posix())
    return found


def test_what_is_imported_is_named_and_what_is_named_is_imported() -> None:
    needs = {name: modules for name, modules in needed().items() if name not in OF_SUITES}

    assert set() == ALWAYS & SOMETIMES
    assert set() == needs.keys() - ALWAYS - SOMETIMES, "name them in pyproject.toml"
    assert set() == (ALWAYS | SOMETIMES) - needs.keys() - NOT_IMPORTED.keys(), "nothing imports them"


def test_what_only_some_need_is_imported_where_it_is_used_and_not_before() -> None:
    everybodys = [module for module in MODULES if module.parent.name != "audio"]  # which nobody else imports

    assert [] == [
        (module.name, name)
        for module in everybodys
        for name in imported(tree(module).body)
        if CALLED.get(name, name) in SOMETIMES
    ]
