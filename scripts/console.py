"""What people see: lines, progress on long work, tables, commands as this shell can run them.

Plain text where standard output is not a terminal; rich honours NO_COLOR and TERM=dumb.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Advance = Callable[[int], None]

QUIET_S = 2.0  # shorter work needs no progress
PLAIN_INTERVAL_S = 10.0  # between two lines of progress in a log file
INSTALLED = "shardline"  # how our package and our command are called where they are installed
MENUS = {"nox": "noxfile.py", "invoke": "tasks.py"}
UNKNOWN = "unknown"  # instead of a number that is none
UNREADABLE = 1e18  # seconds or bytes that nobody measured

# On a dark and on a light ground alike, of at least 3:1 contrast, where rich's own are made for dark ones; and red,
# which rich draws bars and speeds in while all goes well, is for failure only.
FAILURE = "red3"
COLOURS = {
    "bar.back": "grey50",
    "bar.complete": "dodger_blue1",
    "bar.pulse": "dodger_blue1",
    "bar.finished": "green4",
    "progress.spinner": "dodger_blue1",
    "progress.download": "none",
    "progress.data.speed": "none",
    "progress.elapsed": "none",
    "progress.remaining": "none",
}

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S*")


class _Cleaning:
    """How a text is made fit to be shown, as `clean_by` says; as it is where nobody said."""

    by: Callable[[str], str] = str


def clean_by(clean: Callable[[str], str]) -> None:
    """Let all that is said pass through `clean`, which takes secrets out of a text. For a whole process."""
    _Cleaning.by = staticmethod(clean)


def clean(text: str) -> str:
    """Take out of a text what must not be shown. What cannot be made clean is not shown at all."""
    try:
        return _Cleaning.by(text)
    except Exception as error:  # a message of ours must neither leak nor end a run
        return f"(not shown, since secrets could not be taken out of it: {type(error).__name__})"


def say(text: str = "") -> None:
    """Print one line, at once and in one piece: a pipe or a CI log must not hold it back, nor threads mix theirs."""
    print(f"{clean(text)}\n", end="", flush=True)


def say_whole(text: str) -> None:
    """Print what a person asked for to paste it somewhere, with the secrets that he or she gave in it."""
    print(text, flush=True)


def is_terminal() -> bool:
    """Tell whether standard output is a terminal on which lines can be drawn anew."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def human_bytes(count: float) -> str:
    """Write a size in decimal units, as download tools show it. The only place that formats sizes.

    >>> human_bytes(40146694), human_bytes(14252), human_bytes(3259599833), human_bytes(999960)
    ('40.1 MB', '14.3 kB', '3.3 GB', '1.0 MB')
    """
    if not abs(count) < UNREADABLE:
        return UNKNOWN
    if round(abs(count)) < 1000:
        return f"{round(count)} bytes"
    units = ["kB", "MB", "GB", "TB", "PB"]
    power = next((power for power in range(1, 5) if round(abs(count) / 1000**power, 1) < 1000), 5)
    return f"{count / 1000**power:.1f} {units[power - 1]}"


def human_seconds(seconds: float) -> str:
    """Write a duration that a person reads at a glance. The only place that formats durations.

    One decimal below a minute, whole seconds below an hour, whole minutes from there on.

    >>> human_seconds(0.04), human_seconds(12.34), human_seconds(59.96), human_seconds(125.2), human_seconds(3725)
    ('0.0 s', '12.3 s', '1 min 00 s', '2 min 05 s', '1 h 02 min')
    """
    if not abs(seconds) < UNREADABLE:
        return UNKNOWN
    if seconds < 0:  # by a clock that was set back
        return f"-{human_seconds(-seconds)}"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    if round(seconds) < 3600:
        return f"{round(seconds) // 60} min {round(seconds) % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def counted(count: int, noun: str) -> str:
    """Write a number with its noun.

    >>> counted(1, "test"), counted(2, "test")
    ('1 test', '2 tests')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def bare_urls(text: str) -> str:
    """Return the text with each URL in it as it may be shown: without user, password, query and fragment.

    >>> bare_urls("from https://me:secret@host:8443/a.bin?token=1"), bare_urls("hf://org/name@main/a.bin")
    ('from https://host:8443/a.bin?...', 'hf://org/name@main/a.bin')
    """
    return _URL.sub(lambda match: re.sub(r"[?#].*", "?...", without_secrets(match[0])), text)


def without_secrets(text: str) -> str:
    """Take users, passwords and queries, which may be signatures, out of the URLs of a text.

    >>> without_secrets("see https://me:p@ss@host/a@1 (from 'git+ssh://git@host/b.whl?signature=c')")
    "see https://host/a@1 (from 'git+ssh://host/b.whl?...')"
    """
    text = re.sub(r"(?<=://)[^/?#\s'\"]*@", "", text)
    return re.sub(r"(://[^\s'\"?]+\?)[^\s'\")>]+", r"\1...", text)


def readable(nodeid: str) -> str:
    r"""Show a test's id to the eye: pytest's \u escapes as the characters. Never use it as a key.

    >>> readable("test_a.py::test_text[\\u4f60\\u597d]")
    'test_a.py::test_text[你好]'
    """
    escape = r"\\u(?!d[89a-f])([0-9a-f]{4})|\\U([0-9a-f]{8})"  # half a surrogate pair cannot be printed
    return re.sub(escape, lambda match: chr(int(match.group(1) or match.group(2), 16)), nodeid)


# Colours and cursor moves (ECMA-48's CSI, also as one C1 character), and the choice of a character set.
_STYLE = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[()][0-9A-Za-z]")


def uncoloured(text: str) -> str:
    r"""Take colours and cursor moves out of what another program wrote.

    >>> uncoloured("\x1b[31mred\x1b[0m")
    'red'
    """
    return _STYLE.sub("", text)


def visible(text: str) -> str:
    r"""Make what another program wrote fit for a terminal: colours go, line breaks stay, no other control is left.

    What else could steer a terminal (set its title, write to the clipboard, overwrite a line) is shown as its escape.

    >>> visible("\x1b[31mred\x1b[0m, \x1b]0;title\x07\n")
    'red, \\x1b]0;title\\x07\n'
    """
    lines = uncoloured(text).expandtabs().split("\n")
    return "\n".join("\u3000".join(map(printable, line.split("\u3000"))) for line in lines)  # wide spaces are text


def printable(text: str) -> str:
    r"""Make a text fit for one line of a terminal: what cannot be printed becomes its escape.

    >>> printable("reports/你\n\udcff.log")
    'reports/你\\n\\udcff.log'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def at_most(count: int, lines: Sequence[str]) -> List[str]:
    """Return the first lines, and how many more there are.

    >>> at_most(1, ["a", "b", "c"]), at_most(2, ["a", "b"])
    (['a', 'and 2 more'], ['a', 'b'])
    """
    more = len(lines) - count
    return [*lines[:count], *([f"and {more} more"] if more > 0 else [])]


_ON_PYTHON = re.compile(r"-(3\.[0-9]{1,3})$")  # the end of a session's name that is a step on this very Python


def command(*words: str, about: Sequence[str] = ()) -> str:
    """Write a command line to copy: quoted, and with its path where the program is not on PATH.

    What stands in no menu here (a project that installed us has no tasks.py, or a session less) is said as our own
    command does it: `shardline merge` for `nox -s merge`.

    Args:
        words: the value of an option that names a secret is not shown: `--password "$PASSWORD"` stands there.
        about: the options that name the project, as `Settings.addressed` has them. Whoever has settings at hand
            calls `settings.command`, which adds them.
    """
    words = _on_this_python(words)
    if __package__ == INSTALLED and words[0] in MENUS and not _is_in_menu(words):
        return " ".join([_own_program(), *shell_words([*_step(words), *about])])
    return " ".join([_program(words[0]), *shell_words([*words[1:], *_address(words, about)])])


def _on_this_python(words: Sequence[str], environ: Mapping[str, str] = os.environ) -> Tuple[str, ...]:
    """Name the session that we run in, where it is that of a command on one Python: the same is meant again.

    >>> _on_this_python(("nox", "-s", "integration", "--", "-x"), {"NOX_CURRENT_SESSION": "integration-3.8"})
    ('nox', '-s', 'integration-3.8', '--', '-x')
    """
    session = environ.get("NOX_CURRENT_SESSION", "")
    is_meant = words[0] == "nox" and len(words) > 2 and words[2] == _ON_PYTHON.sub("", session) != session
    return (*words[:2], session, *words[3:]) if is_meant else tuple(words)


def _is_in_menu(words: Sequence[str]) -> bool:
    """Tell whether the menu of nox or invoke in this folder has an entry for a command."""
    step = _step(words)[0].replace("-", "_")
    try:
        menu = Path(MENUS[words[0]]).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    pythons = _ON_PYTHON.findall(" ".join(words[:3]))
    return all(re.search(rf"\b{re.escape(word)}\b", menu) for word in (step, *pythons))


def _step(words: Sequence[str]) -> List[str]:
    """Turn a command of nox or invoke into a step of ours and its words.

    >>> _step(("nox", "-s", "merge", "--", "--run-missing")), _step(("invoke", "--help", "models.add"))
    (['merge', '--run-missing'], ['models', 'add', '--help'])
    >>> _step(("nox", "-s", "integration-3.8", "--", "-x"))
    ['integration', '-x']
    """
    if words[0] == "nox":
        return [_ON_PYTHON.sub("", words[2]), *words[4:]]
    options = [word for word in words[1:] if word == "--help"]
    name, *rest = (word for word in words[1:] if word not in options)
    return [*name.split("."), *options, *rest]


def _program(name: str) -> str:
    """Name a program as a person's shell finds it.

    nox and invoke live in the project's .venv; whoever did not activate it needs the path. PATH here
    is the person's own: bootstrap.sh and noxfile.py keep it in SHARDLINE_SHELL_PATH.
    """
    local = Path(".venv/bin") / name
    path = os.environ.get("SHARDLINE_SHELL_PATH")
    return str(local) if shutil.which(name, path=path) is None and local.exists() else name


def _own_program() -> str:
    """Name our own command; where it lies in an environment that is not active, by its path.

    Within a session of nox, PATH is the session's, and tells nothing of the person's shell.
    """
    path = os.environ.get("SHARDLINE_SHELL_PATH", "" if "NOX_CURRENT_SESSION" in os.environ else None)
    beside = Path(sys.executable).parent / INSTALLED
    if shutil.which(INSTALLED, path=path) or not beside.exists():
        return INSTALLED
    return quoted(str(beside.relative_to(Path.cwd()) if Path.cwd() in beside.parents else beside))


def quoted(word: str) -> str:
    r"""Quote a word for a shell so that it can be copied from a terminal: what cannot be printed as its bytes.

    >>> print(quoted("a b"), quoted("p\udcff"))
    'a b' $'p\xff'
    """
    if word.isprintable() or not word:
        return shlex.quote(word)
    shown = (chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}" for byte in _bytes(word))
    return f"$'{''.join(shown)}'"


# Options whose value is a secret ---------------------------------------------------------------------

# What an option is called that takes a secret. A key alone may sort: --key, --api-key, not --sort-key.
SECRET_NAME = re.compile(
    r"(?i)(token|secret|password|passwd|passphrase|pwd|credentials?|authorization|cookie"
    r"|^-*key|(api|access|account|auth|client|encryption|license|master|private|secret|signing|ssh)[-_.]?key)$"
)
_ASSIGNED = re.compile(r"((?:-{1,2}[\w-]+=)?)(-{0,2}[\w.-]+)=(.+)", re.DOTALL)
_NO_SECRET = re.compile(r"(?i)\d{1,5}|true|false|yes|no|on|off|none|null|auto|-.*|.*\.py|.*::.*", re.DOTALL)


class Hidden(NamedTuple):
    """A word whose end is a secret: what stands before that, the variable that stands for it, and the secret."""

    before: str
    variable: str
    value: str


def hidden_in(words: Sequence[str]) -> List[Optional[Hidden]]:
    """Find, for each word of a command, the value of an option that names a secret; None where there is none.

    >>> hidden_in(["--api-key", "abc", "--db-password=abc"])[1:]
    [Hidden(before='', variable='API_KEY', value='abc'), Hidden(before='--db-password=', variable='DB_PASSWORD', \
value='abc')]
    """
    return [_hidden(before, word) for before, word in zip(["", *words], words)]


def _hidden(before: str, word: str) -> Optional[Hidden]:
    assigned = _ASSIGNED.fullmatch(word)
    if assigned and SECRET_NAME.search(assigned[2]) and not _NO_SECRET.fullmatch(assigned[3]):
        return Hidden(f"{assigned[1]}{assigned[2]}=", _variable(assigned[2]), assigned[3])
    if before.startswith("-") and "=" not in before and SECRET_NAME.search(before) and not _NO_SECRET.fullmatch(word):
        return Hidden("", _variable(before), word) if word else None
    return None


def _variable(option: str) -> str:
    return re.sub(r"\W", "_", option.lstrip("-")).upper()


def without_values(words: Sequence[str]) -> List[str]:
    """Give the words of a command as they may be stored: a variable stands for the value that is a secret.

    >>> without_values(["-k", "sad", "--api-key", "abc", "--token=abc", "-o", "db_password=abc", "--sort-key", "name"])
    ['-k', 'sad', '--api-key', '$API_KEY', '--token=$TOKEN', '-o', 'db_password=$DB_PASSWORD', '--sort-key', 'name']
    """
    found = zip(words, hidden_in(words))
    return [f"{hidden.before}${hidden.variable}" if hidden else word for word, hidden in found]


def with_values(words: Sequence[str], environ: Mapping[str, str]) -> List[str]:
    """Fill in what `without_values` took out, as far as the variables are there.

    >>> with_values(["--token=$TOKEN", "-k", "$TOKEN"], {"TOKEN": "abc"})
    ['--token=abc', '-k', '$TOKEN']
    """
    found = zip(words, hidden_in(words))
    return [
        hidden.before + environ[hidden.variable]
        if hidden and hidden.value == f"${hidden.variable}" and environ.get(hidden.variable)
        else word
        for word, hidden in found
    ]


def shell_words(words: Sequence[str]) -> List[str]:
    """Quote the words of a command for a shell; whoever copies it sets a variable where a secret stood.

    >>> print(*shell_words(["-k", "a b", "--password", "abc"]))
    -k 'a b' --password "$PASSWORD"
    """
    found = zip(words, hidden_in(words))
    return [f'{hidden.before}"${hidden.variable}"' if hidden else quoted(word) for word, hidden in found]


def _bytes(word: str) -> bytes:
    """Encode a word as it came from the command line; half a surrogate pair, which never came from one, stays."""
    return word.encode(
        "utf-8", "surrogateescape" if re.fullmatch("[^\ud800-\udc7f\udd00-\udfff]*", word) else "surrogatepass"
    )


def _address(words: Sequence[str], about: Sequence[str]) -> List[str]:
    """Return what follows the words of a command so that it is about the same project."""
    if not about or words[0] not in ("nox", "invoke") or "--help" in words:
        return []
    return list(about) if words[0] == "invoke" or "--" in words else ["--", *about]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    """Lay out the lines of a table; columns line up by display width (ids may be Chinese), numbers to the right."""
    from rich.cells import cell_len

    columns = [list(column) for column in zip(header, *rows)]
    aligned = []
    for title, *cells in columns:
        width = max(map(cell_len, [title, *cells]))
        to_the_right = all(cell[:1].isdigit() for cell in cells)
        gaps = [" " * (width - cell_len(cell)) for cell in (title, *cells)]
        padded = [gap + cell if to_the_right else cell + gap for cell, gap in zip((title, *cells), gaps)]
        aligned.append([padded[0], "-" * width, *padded[1:]])
    return ["  ".join(row).rstrip() for row in zip(*aligned)]


def terminal() -> Console:
    """Open standard output for drawing in colours that everybody can read."""
    from rich.console import Console
    from rich.theme import Theme

    return Console(theme=Theme(COLOURS))


@contextmanager
def progress(title: str, total_bytes: Optional[int] = None, state: Callable[[], str] = lambda: "") -> Iterator[Advance]:
    """Show that something goes on while the block runs.

    Args:
        state: what else can be said of it at the moment.

    Yields:
        a function to call with each count of bytes done; of use only with `total_bytes`.
    """
    show = _live if is_terminal() else _plain
    with ExitStack() as stack:
        try:
            advance = stack.enter_context(show(title, total_bytes, state))
        except RuntimeError:  # no thread can be started (`ulimit -u`): the work goes on unseen
            advance = _unseen
        yield advance


def _unseen(count: int) -> None:
    """Advance where nothing is shown."""


@contextmanager
def _live(title: str, total_bytes: Optional[int], state: Callable[[], str]) -> Iterator[Advance]:
    from rich import progress as bars
    from rich.text import Text

    columns: Tuple[bars.ProgressColumn, ...] = (bars.SpinnerColumn(), bars.TextColumn("{task.description}"))
    if total_bytes:
        columns += (bars.BarColumn(), bars.DownloadColumn(), bars.TransferSpeedColumn(), bars.TimeRemainingColumn())

    class Lines(bars.Progress):
        """The bar, and below it what can be said when it is drawn."""

        def get_renderables(self) -> Iterator[RenderableType]:
            yield from super().get_renderables()
            words = printable(state())
            if words:
                yield Text(f"  {words}", no_wrap=True, overflow="ellipsis")

    display = Lines(*columns, bars.TimeElapsedColumn(), console=terminal(), transient=True)
    task = display.add_task(title, total=total_bytes)
    try:
        display.start()
        yield lambda count: display.advance(task, count)
    finally:
        display.stop()  # also where its thread did not start: it has hidden the cursor by then


@contextmanager
def _plain(title: str, total_bytes: Optional[int], state: Callable[[], str]) -> Iterator[Advance]:
    done = 0
    finished = threading.Event()
    started = time.monotonic()

    def advance(count: int) -> None:
        nonlocal done
        done += count

    def report() -> None:
        pause = QUIET_S
        while not finished.wait(pause):
            share = f", {human_bytes(done)} of {human_bytes(total_bytes)}" if total_bytes else ""
            with suppress(OSError):  # nobody reads on: whoever prints next learns of it
                words = "; ".join(filter(None, [human_seconds(time.monotonic() - started) + share, printable(state())]))
                say(f"  {title} ... {words}")
            pause = PLAIN_INTERVAL_S

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield advance
    finally:
        finished.set()
        reporter.join()
