"""How did the service end, and why: its exit code, what the kernel and its last words say, and what to do."""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Type

from ..console import human_bytes, human_seconds, visible
from ..errors import PipelineError, PortInUse, ServiceDied
from ..system import oom
from ..system.machine import memory
from ..system.process_tree import tree
from ..system.processes import FOREGROUND, Process, exit_words, left_words
from . import ports
from .last_words import last_words, shown

STARTING = "before it was ready"
KILLED = (-9, 128 + 9)  # the second: as a shell tells it
SAMPLES, SAMPLE_BYTES = "monitor.jsonl", 64 * 1024
STOP_HOLDER = "Stop what has the port, or let it take the one that we choose: {host} and {port} in service.command."
IN_USE = re.compile(
    r"address (is )?already in use|EADDRINUSE|port \d+ is (already )?(in use|allocated|taken)|"
    r"port is already allocated|find empty port|only one usage of each socket",
    re.IGNORECASE,
)
# What Python, input(), Node, docker, curses and others write where they want a person.
WANTS_INPUT = re.compile(r"\bEOFError\b|EOF when reading a line|end of file (on|from) (stdin|standard input)", re.I)
WANTS_TERMINAL = re.compile(
    r"not a (tty|terminal)\b|inappropriate ioctl|termios\.error|/dev/tty\b|TERM environment variable not set|"
    r"setupterm|setRawMode is not a function",
    re.IGNORECASE,
)


class Memory(NamedTuple):
    """What is known of its memory: whether the kernel killed for it, what it may take, and what it last took.

    `killed` is None where the kernel killed something of this machine, of which it is not known that it was this;
    `counted` tells whether it counts that at all. Bytes are 0 where they are not known.
    """

    killed: Optional[bool] = False
    counted: bool = False
    limit_bytes: int = 0
    last_bytes: int = 0
    last_ago_s: Optional[float] = None


class Death(NamedTuple):
    """What is known of an end: `left` says what it left running, `holders` who listens on ports that it asked for."""

    returncode: int
    age_s: float
    phase: str
    memory: Memory = Memory()
    said: Sequence[str] = ()
    left: str = ""
    holders: Sequence[Tuple[int, ports.Listener]] = ()


def error_of(process: Process, returncode: int, phase: str, url: str = "") -> PipelineError:
    """Make the error that says how the process ended, after how long, why, and what it wrote last."""
    died = _looked_into(process, returncode, phase, url)
    kind: Type[PipelineError] = PortInUse if died.holders and phase == STARTING else ServiceDied
    hint = f"{hint_of(died)} The whole log is {process.log}.".lstrip()
    return kind("\n".join([*words_of(died), shown(process)]), hint)


def words_of(died: Death) -> List[str]:
    """Say in a line or two how the service ended.

    >>> words_of(Death(-9, 2.0, "in use", Memory(True, True, 2 * 10**9, 19 * 10**8, 0.5)))[0]
    'the service ended with signal SIGKILL (9) after 2.0 s, in use: killed by the kernel for memory'
    """
    cause = ""
    if died.returncode in KILLED and died.memory.killed is not False:
        cause = f": {'' if died.memory.killed else 'probably '}killed by the kernel for memory"
    elif died.holders:
        port, holder = died.holders[0]
        cause = f": port {port} is in use by {holder_words(holder)}"
    how = f"{exit_words(died.returncode)} after {human_seconds(died.age_s)}, {died.phase}{died.left}"
    return [f"the service ended with {how}{cause}", *_memory_words(died)]


def holder_words(holder: ports.Listener) -> str:
    """Name who has a port, in one line."""
    return f"pid {holder.pid} ({visible(holder.command)[:200]})"


def hint_of(died: Death) -> str:
    """Say what to do about a death."""
    said = "\n".join(died.said)
    if died.returncode in KILLED:
        return _hint_of_kill(died.memory)
    if died.holders:
        return STOP_HOLDER
    if IN_USE.search(said):
        return f"Something else had the port, or it takes it twice. {STOP_HOLDER}"
    if WANTS_INPUT.search(said):
        return "It waits for input, and its standard input is empty here (/dev/null): start it without its prompt."
    if WANTS_TERMINAL.search(said):
        return "It wants a terminal, and has none here: start it without its display or prompt (--headless, --no-tty)."
    if died.returncode == 0 and not died.left:
        return f"{FOREGROUND}. Its standard input is empty (/dev/null): what ends with that must be told not to."
    return ""


def _hint_of_kill(facts: Memory) -> str:
    if facts.killed is not False:
        return "Give it more memory, or run fewer shards at once (--at-once 1)."
    if facts.counted:
        return "Somebody, or something else, sent SIGKILL."
    return "SIGKILL from outside is mostly the kernel's, for want of memory: see dmesg."


def _memory_words(died: Death) -> List[str]:
    """Say what is known of its memory where that may be the cause."""
    facts, is_killed = died.memory, died.returncode in KILLED
    words = []
    if facts.killed and not is_killed:
        words.append("since its start the kernel killed a process of its control group")
    elif is_killed and facts.killed is False and facts.counted:
        words.append("the kernel counts no kill since its start")
    if (is_killed or facts.killed) and facts.last_bytes:
        ago = f" {human_seconds(facts.last_ago_s)} before its end" if facts.last_ago_s is not None else " at its end"
        words.append(f"it took {human_bytes(facts.last_bytes)}{ago}")
    if facts.limit_bytes and (facts.killed is not False or (is_killed and facts.last_bytes)):
        words.append(f"all that there is for it and what runs beside it is {human_bytes(facts.limit_bytes)}")
    return [f"memory: {', '.join(words)}"] if words else []


# What is looked for -------------------------------------------------------------------------------


def _looked_into(process: Process, returncode: int, phase: str, url: str) -> Death:
    age_s = process.age_s() - process.ended_ago_s()
    said = last_words(process).lines
    left = left_words(returncode, process.identity.pid, process.leftovers() if returncode >= 0 else ())
    memory_facts, taken = _memory(process, returncode), holders(process, said, url)
    return Death(returncode, age_s, phase, memory_facts, said, left, taken)


def _memory(process: Process, returncode: int) -> Memory:
    """Find out what is known of its memory."""
    before, after = process.kills_before, oom.kills()
    killed = oom.new_kills(before, after)
    last = last_sample(process.log.parent / SAMPLES, process.began_s, time.time() - process.ended_ago_s())
    facts = Memory(killed, bool(before), memory().total, *last)
    if returncode not in KILLED:
        return facts
    found = oom.log_of(process.identity.pid, time.monotonic() - process.age_s())
    if not found:
        return facts
    limit_bytes = found.limit_bytes or facts.limit_bytes
    return facts._replace(killed=True, limit_bytes=limit_bytes, last_bytes=found.resident_bytes, last_ago_s=None)


def last_sample(file: Path, began_s: float, ended_s: float) -> Tuple[int, Optional[float]]:
    """Read what the service last took of memory, and how long before its end; (0, None) where nobody measured.

    Args:
        file: lines as {"t": 1700000000.0, "rss": 123}, in seconds since the epoch and bytes.
        began_s, ended_s: when the service was started, and when it ended: what is older is of another start.
    """
    with suppress(OSError), file.open("rb") as samples:
        samples.seek(max(0, samples.seek(0, os.SEEK_END) - SAMPLE_BYTES))
        for line in reversed(samples.read().split(b"\n")):
            with suppress(ValueError, KeyError, TypeError):
                sample: Dict[str, float] = json.loads(line.decode("utf-8"))
                at_s, taken = float(sample["t"]), int(sample["rss"])
                return (taken, max(0.0, ended_s - at_s)) if at_s >= began_s else (0, None)
    return 0, None


def holders(process: Process, said: Sequence[str], url: str) -> List[Tuple[int, ports.Listener]]:
    """Find who has the port that it says is in use, none of its own processes; nobody where it says no such thing."""
    if not IN_USE.search("\n".join(said)):
        return []
    asked, own = _asked_for(said, url), {each.pid for each in tree(process.identity, process.run_id)}
    held = ports.listeners(asked)
    return [(port, held[port]) for port in asked if port in held and held[port].pid not in own]


def _asked_for(said: Sequence[str], url: str) -> List[int]:
    """List the numbers that may be ports: those of lines that say that an address is in use, its own, all others.

    >>> _asked_for(["[Errno 98] bind on ('127.0.0.1', 7860): address already in use", "try 7861"], "http://h:8000")
    [7860, 8000, 7861]
    """
    lines = [*filter(IN_USE.search, said), "".join(re.findall(r":\d+$", url)), *said]
    numbers = (int(number) for line in lines for number in re.findall(r"(?<![\d.])\d{2,5}(?![\d.]\d)", line))
    return list(dict.fromkeys(number for number in numbers if 1024 <= number < 65536))
