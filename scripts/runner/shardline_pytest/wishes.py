"""Hears which tests a suite wants together, from where it says so already, for pytest alone or for pytest-xdist.

- `--dist loadscope | loadfile`, a scheduler of the suite's own, and `xdist_group` marks;
- what pytest-dependency, pytest-depends and pytest-order are told: who needs whom, and an order by number;
- classes that show a sign of carrying state from test to test: fixtures of class scope, setup_class, setUpClass, a mark
  on the class, attributes of the class that its tests set;
- the mark `incremental` (pytest's recipe for tests that are steps) wherever it stands; steps of pytest-steps;
- marks that suite.together names.

What cannot be heard (state of a module, a file that two tests write) is found by `nox -s isolation`.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import sys
from types import CodeType
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Sequence, Set, Tuple

import pytest

from .class_state import sign_of
from .scheduler import scopes_of

_OF_PYTEST = ("parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings")  # marks that order nothing
_NUMBERS = ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_NUMBERED = ("first", "last", *_NUMBERS, *(f"{word}_to_last" for word in _NUMBERS))  # marks of pytest-ordering
_STEPS = ("test_step", "________step_name_")  # arguments of pytest-steps


class Wish(NamedTuple):
    """What tests have in common that stay together, and who says so, for people."""

    name: str
    why: str


Heard = Iterator[Tuple[int, Wish]]  # places of tests in the list, each with a wish for it


def groups_of(items: Sequence[pytest.Item], dist: str, marks: Iterable[str], order_scope: str) -> List[Dict[str, Any]]:
    """List the groups of tests that stay together, each with ranges [first, last] of places in the list.

    Args:
        dist: how pytest-xdist was to distribute the tests.
        marks: names of marks whose tests stay together, those with one first argument each.
        order_scope: of pytest-order.
    """
    places: Dict[Wish, List[int]] = {}
    heard = [_by_dist(items, dist), _by_mark(items, ("xdist_group",), "xdist_group"), _by_mark(items, marks, "")]
    heard += [_classes(items), _incremental(items), _dependencies(items), _numbered(items, order_scope)]
    for wishes in [*heard, _steps(items)]:
        for place, wish in wishes:
            places.setdefault(wish, []).append(place)
    wanted = ((wish, sorted(set(found))) for wish, found in places.items())
    return [{**wish._asdict(), "tests": ranges(found)} for wish, found in wanted if len(found) > 1]


def ranges(places: Iterable[int]) -> List[List[int]]:
    """Write ascending places as ranges.

    >>> ranges([1, 2, 3, 7])
    [[1, 3], [7, 7]]
    """
    found: List[List[int]] = []
    for place in places:
        if found and found[-1][1] == place - 1:
            found[-1][1] = place
        else:
            found.append([place, place])
    return found


def _file(item: pytest.Item) -> str:
    return item.nodeid.split("::", 1)[0]


def _function(item: pytest.Item) -> str:
    """Cut the parameters off an id."""
    file = _file(item)
    return file + item.nodeid[len(file) :].split("[", 1)[0]


def _scope(item: pytest.Item) -> str:
    """Name the innermost class around a test, else its file."""
    return _function(item).rsplit("::", 1)[0]


def _by_dist(items: Sequence[pytest.Item], dist: str) -> Heard:
    """Keep together what pytest-xdist would send to one worker."""
    own = scopes_of(items[0].config, items, dist) if items else []
    for place, scope in enumerate(own):
        yield place, Wish(scope, "pytest_xdist_make_scheduler")
    scopes: Dict[str, Callable[[pytest.Item], str]] = {
        "loadfile": _file,
        "loadscope": _scope,
    }
    if dist in scopes and not own:
        for place, item in enumerate(items):
            yield place, Wish(scopes[dist](item), f"--dist {dist}")


def _by_mark(items: Sequence[pytest.Item], names: Iterable[str], why: str) -> Heard:
    for name in names:
        for place, item in enumerate(items):
            for mark in item.iter_markers(name):
                which = str(mark.args[0] if mark.args else mark.kwargs.get("name", ""))
                yield place, Wish(f"{name} {which}".strip(), why or f"mark {name}")


# Classes ----------------------------------------------------------------------------------------------


def _classes(items: Sequence[pytest.Item]) -> Heard:
    """Keep a class whole that shows a sign of carrying state in any of its tests."""
    chains = list(_class_chains(items))
    signs: Dict[int, str] = {}
    for item, chain in zip(items, chains):
        for node in chain:
            if id(node) not in signs:
                signs[id(node)] = _mark_of(node) or sign_of(getattr(node, "obj", None))
            signs[id(node)] = signs[id(node)] or _fixture_of(item)
    for place, chain in enumerate(chains):
        for node in chain:
            if signs[id(node)]:
                yield place, Wish(node.nodeid, signs[id(node)])


def _class_chains(items: Sequence[pytest.Item]) -> Iterator[List[pytest.Class]]:
    """List the classes around each test, the innermost first."""
    known: Dict[int, List[pytest.Class]] = {}
    for item in items:
        if id(item.parent) not in known:
            chain = []
            node: Any = item.parent
            while node is not None:
                chain += [node] if isinstance(node, pytest.Class) else []
                node = node.parent
            known[id(item.parent)] = chain
        yield known[id(item.parent)]


def _mark_of(node: pytest.Class) -> str:
    names = [mark.name for mark in node.own_markers if mark.name not in _OF_PYTEST]
    return f"mark {names[0]} on the class" if names else ""


def _fixture_of(item: pytest.Item) -> str:
    """Name the fixture of class scope that a test needs; a TestCase has one whose setUpClass may be nobody's."""
    for name, definitions in getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}).items():
        if definitions and definitions[-1].scope == "class":
            if "setUpClass" in name:
                if _has_set_up_class(getattr(item, "cls", None)):
                    return "setUpClass"
            elif "setup_class" in name:
                return "setup_class"
            else:
                return f"fixture {name} of class scope"
    return ""


def _has_set_up_class(cls: Any) -> bool:
    """Tell whether a TestCase has a setUpClass or tearDownClass of its own."""
    base = sys.modules["unittest"].TestCase
    names = ("setUpClass", "tearDownClass")
    return any(_function_of(cls, name) is not _function_of(base, name) for name in names if hasattr(cls, name))


def _function_of(cls: Any, name: str) -> Any:
    method = getattr(cls, name)
    return getattr(method, "__func__", method)  # a static method is a function itself


def _incremental(items: Sequence[pytest.Item]) -> Heard:
    """Keep steps together by pytest's recipe, which asks the mark of each test and remembers by its parent."""
    for place, item in enumerate(items):
        if item.parent is not None and item.get_closest_marker("incremental"):
            yield place, Wish(item.parent.nodeid, "mark incremental")


# Tests that need others -------------------------------------------------------------------------------


def _dependencies(items: Sequence[pytest.Item]) -> Heard:
    """Keep a test with those that it names; chains join where they meet."""
    needs = [(place, need) for place, item in enumerate(items) for need in _needed(item)]
    names = _Names(items) if needs else None
    for place, need in needs:
        others = names.places(need, items[place]) if names else []
        if others:
            wish = Wish(items[place].nodeid, f"needs {need.name}")
            yield place, wish
            for other in others:
                yield other, wish
    yield from _at_run_time(items)


class _Need(NamedTuple):
    """The name of a test that another needs, and where it is looked for: in its class first, its file, everywhere."""

    name: str
    in_class: bool = True
    everywhere: bool = False


def _needed(item: pytest.Item) -> Iterator[_Need]:
    """Name the tests that a test must follow or precede."""
    for mark in item.iter_markers("dependency"):
        scope = mark.kwargs.get("scope", "module")
        for name in _texts(mark.kwargs.get("depends")):
            yield _Need(name, scope == "class", scope in ("session", "package"))
    for kind, keys in (("depends", ("on",)), ("order", ("after", "before"))):
        for mark in item.iter_markers(kind):
            yield from (_Need(name) for key in keys for name in _texts(mark.kwargs.get(key)))


def _texts(value: Any) -> List[str]:
    values = [value] if isinstance(value, str) else value if isinstance(value, (list, tuple, set)) else []
    return [each for each in values if isinstance(each, str)]


class _Names:
    """By what names the tests of a suite are known to those that need them: in full, and by their last words."""

    def __init__(self, items: Sequence[pytest.Item]) -> None:
        self._files = [_file(item) for item in items]
        self._full: Dict[str, List[int]] = {}
        self._last: Dict[str, List[int]] = {}
        for place, item in enumerate(items):
            for name in self._full_names(item):
                self._full.setdefault(name, []).append(place)
            self._last.setdefault(_words(item)[-1], []).append(place)

    @staticmethod
    def _full_names(item: pytest.Item) -> Set[str]:
        """Say a test's id, in full and from its file on, the ids of its classes, and names that it was given."""
        file, words = _file(item), _words(item)
        parameters = item.nodeid[len(_function(item)) :]
        inner = "::".join(words)
        heads = ["::".join(words[:end]) for end in range(1, len(words))]
        within = {inner, inner + parameters, *heads}
        marks = (mark for name in ("dependency", "depends") for mark in item.iter_markers(name))
        given = {name for mark in marks for name in _texts(mark.kwargs.get("name"))}
        prefixes = {file, file.rsplit("/", 1)[-1]}
        return {file, *within, *given, *(f"{prefix}::{name}" for prefix in prefixes for name in within)}

    def places(self, need: _Need, item: pytest.Item) -> List[int]:
        """Find the tests of a name."""
        last = self._last.get(need.name, [])
        return self.exactly(need, item) or self._near(last, item) or last

    def exactly(self, need: _Need, item: pytest.Item) -> List[int]:
        """Find the tests of a name that is written in full, or as seen from the test's class or file."""
        full = self._full.get(need.name, [])
        classes = "::".join(_words(item)[:-1])
        looks = [self._near(self._full.get(f"{classes}::{need.name}", []), item)] if need.in_class else []
        looks += [] if need.everywhere else [self._near(full, item)]
        return next(filter(None, [*looks, full]), [])

    def _near(self, places: Iterable[int], item: pytest.Item) -> List[int]:
        return [place for place in places if self._files[place] == _file(item)]


def _words(item: pytest.Item) -> List[str]:
    """Split what an id says after the file, without parameters: classes, then the function."""
    return _function(item)[len(_file(item)) :].lstrip(":").split("::")


def _asked_at_run_time(items: Sequence[pytest.Item], plugin: Any) -> Iterator[Tuple[int, Set[str]]]:
    """Tell which tests, or fixtures of theirs, ask pytest-dependency for others while they run, and texts in them.

    The names that they ask for are among the texts, unless they are put together.
    """
    theirs = (plugin, getattr(plugin, "depends", plugin))
    knows: Dict[int, bool] = {}
    for place, item in enumerate(items):
        texts: Set[str] = set()
        asks = False
        for function in _functions_of(item):
            names = function.__globals__
            if id(names) not in knows:
                knows[id(names)] = any(value is each for value in list(names.values()) for each in theirs)
            if knows[id(names)] and "depends" in function.__code__.co_names:
                asks = True
                texts.update(_texts_in(function.__code__))
        if asks:
            yield place, texts


def _functions_of(item: pytest.Item) -> Iterator[Any]:
    """Give the functions of a test and of its fixtures."""
    fixtures = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    found = [getattr(item, "function", None), *(one.func for some in fixtures.values() for one in some)]
    for function in found:
        plain = getattr(function, "__func__", function)
        if hasattr(plain, "__code__") and hasattr(plain, "__globals__"):
            yield plain


def _texts_in(value: Any) -> Iterator[str]:
    """Find the texts that stand in code, in tuples and in functions inside it too."""
    if isinstance(value, str):
        yield value
    for each in value.co_consts if isinstance(value, CodeType) else value if isinstance(value, tuple) else ():
        yield from _texts_in(each)


def _at_run_time(items: Sequence[pytest.Item]) -> Heard:
    """Keep tests that ask for others while they run with those; with all that may be asked for, where no name stands.

    A file stays whole whose tests ask.
    """
    plugin = sys.modules.get("pytest_dependency")
    asked = list(_asked_at_run_time(items, plugin)) if plugin else []
    names = _Names(items) if asked else None
    files = {_file(items[place]) for place, _ in asked if _knows_plugin(items[place], plugin)}
    for place, item in enumerate(items) if files else ():
        if _file(item) in files:
            yield place, Wish(_file(item), "its tests call depends()")
    for place, texts in asked:
        wish = Wish(items[place].nodeid, "calls depends()")
        needs = [names.exactly(_Need(text), items[place]) for text in texts] if names else []
        others = {other for found in needs for other in found}
        others = others or {at for at, item in enumerate(items) if item.get_closest_marker("dependency")}
        for at in {place, *others}:
            yield at, wish


def _knows_plugin(item: pytest.Item, plugin: Any) -> bool:
    """Tell whether the test's own module, not only that of a fixture, can ask."""
    values = list(vars(item.module).values()) if hasattr(item, "module") else []
    return any(value is each for value in values for each in (plugin, getattr(plugin, "depends", plugin)))


def _numbered(items: Sequence[pytest.Item], scope: str) -> Heard:
    """Keep tests together that are ordered by numbers, as far as pytest-order's scope goes."""
    scopes: Dict[str, Callable[[pytest.Item], str]] = {
        "module": _file,
        "class": _scope,
    }
    for place, item in enumerate(items):
        if any(
            _is_numbered(mark, getattr(item.config.option, "order_marker_prefix", "")) for mark in item.iter_markers()
        ):
            where = scopes[scope](item) if scope in scopes else "the suite"
            yield place, Wish(f"tests with a place in {where}", "marks of an order")


def _is_numbered(mark: Any, prefix: str) -> bool:
    """Tell whether a mark gives a test its place.

    Args:
        prefix: of marks that are a number, as pytest-order has been told; empty for none.
    """
    if prefix and mark.name.startswith(prefix) and mark.name[len(prefix) :].lstrip("-").isdigit():
        return True
    if mark.name == "order":
        return bool(mark.args) or "index" in mark.kwargs
    return "order" in mark.kwargs if mark.name == "run" else "pytest_ordering" in sys.modules and mark.name in _NUMBERED


def _steps(items: Sequence[pytest.Item]) -> Heard:
    """Keep the steps of one test together, which pytest-steps makes of a generator."""
    for place, item in enumerate(items) if "pytest_steps" in sys.modules else ():
        if any(name.startswith(_STEPS) for name in getattr(getattr(item, "callspec", None), "params", {})):
            yield place, Wish(_function(item), "steps of one test")
