"""Notes what each test does that another may feel: files it writes, ports it binds, variables and state it leaves.

Only a trial of `nox -s isolation` asks for it. What is noted is a hint where to look, never a proof: child processes
and C code are not seen. A shared fixture's doings are noted as the fixture's.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import Any, Dict, Iterator, List, Optional, Tuple

import pytest

from .hook_style import Wrapper, outermost
from .journal_writer import JournalWriter
from .service_requests import FILE_NAME

READ, LIST, WRITE, OVER, MADE = "read", "list", "write", "over", "made"  # OVER: truncates; MADE: was not there
PORT, WORD, VARIABLE, STATE = "port", "word", "variable", "state"  # WORD: an argument of a child process
MOST = 400  # of one test
MOST_STATE = 20
MOST_NAMES = 3000  # of a module, looked through
MOST_CONTENT = 200  # of a list, likewise

Touch = Tuple[str, str]
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_MAKING = {"os.mkdir": 0, "os.link": 1, "os.symlink": 1, "os.rename": 1, "sqlite3.connect": 0}  # place of the path
_CHANGING = {"os.remove": 0, "os.rmdir": 0, "os.rename": 0, "os.truncate": 0, "shutil.rmtree": 0}
_LISTING = ("os.listdir", "os.scandir", "glob.glob")
_TEMPORARY = ("tempfile.mkdtemp", "tempfile.mkstemp")
_OTHERS = ("open", "socket.bind", "socket.connect", "subprocess.Popen")
_EVENTS = {*_OTHERS, *_MAKING, *_CHANGING, *_LISTING, *_TEMPORARY}
_UNSHARED = re.compile(r"/(?:proc|sys|dev(?!/shm/))/|.*/__pycache__(?:/|$)", re.DOTALL)


class Eyes:
    """Reads audit events; all by references that were taken when this was loaded, since tests patch modules."""

    def __init__(self) -> None:
        self._fspath, self._fsdecode, self._getcwd = os.fspath, os.fsdecode, os.getcwd
        self._join, self._normpath, self._lexists = os.path.join, os.path.normpath, os.path.lexists

    def touched(self, event: str, args: Tuple[Any, ...]) -> Iterator[Touch]:
        """Tell what an audit event is about to touch: nothing, or a kind and a path or port each."""
        if event == "open":
            yield from self._opened(*args[:3])
        elif event in ("socket.bind", "socket.connect"):
            yield from self._address(args[1], PORT)
        elif event == "subprocess.Popen":
            yield from self._words(args[1])
        elif event in _LISTING:
            yield from self._path(LIST, args[0])
        if event in _MAKING:
            yield from self._path(MADE, args[_MAKING[event]], WRITE)
        if event in _CHANGING:
            yield from self._path(WRITE, args[_CHANGING[event]])

    def _opened(self, path: Any, mode: Any, flags: Any) -> Iterator[Touch]:
        if not isinstance(flags, int) or not flags & _WRITING:
            yield from self._path(READ, path)
        else:
            yield from self._path(MADE, path, OVER if flags & os.O_TRUNC else WRITE)

    def _path(self, kind: str, path: Any, where_there: str = "") -> Iterator[Touch]:
        """Name a path absolutely; what is no path (a descriptor, a database in memory) is not shared."""
        if path is None:
            path = "."
        if isinstance(path, int):
            return
        text = self._fsdecode(self._fspath(path))
        if not text or text.startswith(":memory:") or "mode=memory" in text:
            return
        text = self._normpath(self._join(self._getcwd(), text[5:].partition("?")[0] if text[:5] == "file:" else text))
        if not _UNSHARED.match(text):
            yield where_there if where_there and self._lexists(text) else kind, text

    def _address(self, address: Any, kind: str) -> Iterator[Touch]:
        if isinstance(address, (str, bytes)):
            yield from self._path(MADE, address, WRITE)
        elif isinstance(address, tuple) and len(address) > 1 and isinstance(address[1], int) and address[1]:
            yield kind, str(address[1])

    def _words(self, words: Any) -> Iterator[Touch]:
        """Name the arguments of a child process that may be a port or a file."""
        for word in words[1:] if isinstance(words, (list, tuple)) else ():
            text = self._fsdecode(word) if isinstance(word, (str, bytes, os.PathLike)) else ""
            end = text.rpartition(":")[2].rpartition("=")[2]
            if end.isdecimal() and 1024 <= int(end) < 65536:
                yield PORT, str(int(end))
            elif "/" in text and "\n" not in text and not text.endswith(".py"):
                yield from self._path(WORD, text.rpartition("=")[2])


def _is_import() -> bool:
    """Tell whether it is an import that lists a folder: it does where the folder was changed since it last did."""
    return sys._getframe(2).f_code.co_filename.startswith("<frozen importlib")


class Touches:
    """Notes, while a test runs, what it touches, and writes that at its end."""

    def __init__(self, pen: JournalWriter) -> None:
        self._pen, self._eyes = pen, Eyes()
        self._active, self._own = False, ""
        self._shared: List[List[str]] = []  # the shared fixtures that are being set up or torn down
        self._noted: Dict[Tuple[str, str, Optional[Tuple[str, ...]]], None] = {}  # in order
        # What no other process has: a shard's own files, basetemp, what mkdtemp made.
        self._apart = [str(pen.folder.absolute() / name) for name in (FILE_NAME, "artifacts")]
        self._root = ""
        self._known: Dict[str, bool] = {}  # whether a module is the project's own
        self._installed = (sys.prefix + os.sep, sys.base_prefix + os.sep, os.__file__.rpartition("os.")[0])

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Begin to look, once the folder for temporary files is made."""
        self._root = str(session.config.rootpath)
        with suppress(Exception):
            self._apart.append(str(session.config._tmp_path_factory.getbasetemp()))  # type: ignore[attr-defined]
        cache = getattr(session.config, "cache", None)
        self._apart.append(str(getattr(cache, "_cachedir", "") or os.path.join(self._root, ".pytest_cache")))
        sys.addaudithook(self._hook)

    @outermost
    def pytest_runtest_protocol(self, item: pytest.Item) -> Wrapper:
        """Compare what a test leaves in this process with what it found."""
        self._noted.clear()
        environ, state = dict(os.environ), self._state()
        try:
            return (yield)
        finally:
            with suppress(Exception):
                self._leave(item.nodeid, environ, state)

    @outermost
    def pytest_runtest_setup(self) -> Wrapper:
        """Look while a test is set up."""
        return (yield from self._looking())

    @outermost
    def pytest_runtest_call(self) -> Wrapper:
        """Look while a test runs."""
        return (yield from self._looking())

    @outermost
    def pytest_runtest_teardown(self) -> Wrapper:
        """Look while a test is torn down."""
        return (yield from self._looking())

    def _looking(self) -> Wrapper:
        self._active = True
        try:
            return (yield)
        finally:
            self._active = False

    @outermost
    def pytest_fixture_setup(self, fixturedef: Any) -> Wrapper:
        """Know whose doings these are. Finalizers run last in, first out: the two here enclose the fixture's own."""
        if fixturedef.scope == "function":
            return (yield)
        names = [str(fixturedef.scope), str(fixturedef.baseid or ""), str(fixturedef.argname)]
        fixturedef.addfinalizer(lambda: self._shared.remove(names) if names in self._shared else None)
        self._shared.append(names)
        try:
            return (yield)
        finally:
            self._shared.remove(names)
            fixturedef.addfinalizer(lambda: self._shared.append(names))

    def _hook(self, event: str, args: Tuple[Any, ...]) -> None:
        if event not in _EVENTS:
            return
        with suppress(Exception):  # a test must not feel that we look
            if event in _TEMPORARY:
                self._apart.append(os.fsdecode(args[0]))
            elif self._active and len(self._noted) < MOST and not (event in _LISTING and _is_import()):
                for kind, what in self._eyes.touched(event, args):
                    self._note(kind, what)

    def _note(self, kind: str, what: str) -> None:
        if kind not in (PORT, WORD) and self._is_apart(kind, what):
            return
        by = tuple(self._shared[-1]) if self._shared else None
        self._noted[kind, what, by] = None

    def _is_apart(self, kind: str, path: str) -> bool:
        if any(path == folder or path.startswith(folder + os.sep) for folder in self._apart if folder):
            return True
        return kind in (READ, LIST) and (path.startswith(self._installed) or path.endswith((".py", ".pyc", ".so")))

    def _leave(self, nodeid: str, environ: Dict[str, str], state: Dict[Tuple[str, str], object]) -> None:
        self._active = False
        now = dict(os.environ)
        changed = {name for name in {*environ, *now} if environ.get(name) != now.get(name)} - {"PYTEST_CURRENT_TEST"}
        after, modules = self._state(), {module for module, _ in state}
        moved = sorted(key for key, token in after.items() if key[0] in modules and state.get(key) != token)
        touches = [[kind, what, list(by) if by else None] for kind, what, by in self._noted]
        touches += [[VARIABLE, name, None] for name in sorted(changed)]
        touches += [[STATE, ".".join(key), None] for key in moved[:MOST_STATE]]
        if touches:
            self._pen.write("touch", id=nodeid, touches=touches)

    def _state(self) -> Dict[Tuple[str, str], object]:
        """Sum up the names of the project's own modules: what they stand for, and how much that holds."""
        found: Dict[Tuple[str, str], object] = {}
        with suppress(Exception):
            for name in list(sys.modules):
                if name not in self._known:
                    self._known[name] = self._is_project(sys.modules.get(name))
                if self._known[name]:
                    names = vars(sys.modules[name])
                    if len(names) < MOST_NAMES:
                        found.update({(name, key): token for key, token in _tokens("", names, deep=True)})
        return found

    def _is_project(self, module: Any) -> bool:
        file = str(getattr(module, "__dict__", {}).get("__file__", "") or "")
        installed = any(part in file for part in ("site-packages", os.sep + "lib" + os.sep + "python"))
        return file.startswith(self._root + os.sep) and not installed


def _tokens(base: str, names: Dict[str, Any], deep: bool) -> Iterator[Tuple[str, object]]:
    """Sum up what names stand for; of a class or an object also its own names."""
    for name, value in list(names.items()):
        if name.startswith(("__", "@")):
            continue
        yield base + name, (id(value), _content(value))
        inner = _inner(value) if deep else {}
        if len(inner) < MOST_NAMES:
            yield from _tokens(f"{base}{name}.", inner, deep=False)


def _content(value: Any) -> Tuple[int, ...]:
    if type(value) is dict:
        return (len(value), *map(id, list(value.values())[:MOST_CONTENT]))
    if type(value) in (list, set):
        return (len(value), *map(id, list(value)[:MOST_CONTENT]))
    return ()


def _inner(value: Any) -> Dict[str, Any]:
    """Read an object's own names without asking it: one that is lazy must not wake up."""
    if isinstance(value, type):
        return dict(type.__getattribute__(value, "__dict__"))
    if type(value).__module__ in ("builtins", "types"):
        return {}
    try:
        inner = object.__getattribute__(value, "__dict__")
    except (AttributeError, TypeError):
        return {}
    return inner if type(inner) is dict else {}
