"""Why is the service not ready in time: each cause told apart, with what to do about it."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import List, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from ..settings import Probe
from ..system.identity import are_told, identify
from ..system.process_tree import tree
from ..system.processes import Process
from . import death, ports
from .asking import REFUSED, Answer, Target, ask, status_words
from .last_words import last_words

LOOK_S, MOST_S = 1.0, 4.0  # for each question that is asked to tell the cause, and for several together
OTHER_PATHS = ("/", "/health", "/healthz", "/docs", "/v1/models")
# What an answer means that will stay the same however long one waits.
FINAL = (*range(200, 400), 401, 403, 405)
LONGER = "If it only needs longer, raise service.ready.timeout in pipeline.yml."


class Address(NamedTuple):
    """Where a process listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Seen(NamedTuple):
    """What can be seen of a service that is not ready.

    `listens`: where it and what it started listen; None where that is not known. `taken`: the ports that it says are
    in use, and who has them; `other`: who listens where it should, and is none of its processes (a container's proxy
    is none either). `paths`: further paths that answer.
    """

    answer: Answer
    listens: Optional[Sequence[Address]] = None
    speaks_tls: bool = False
    taken: Sequence[Tuple[int, ports.Listener]] = ()
    other: Optional[ports.Listener] = None
    paths: Sequence[Tuple[str, int]] = ()


class Cause(NamedTuple):
    """Why it is not ready, in words that go on after what came of the last probe, and what to do about it."""

    words: str
    hint: str


def look(target: Target, probe: Probe, answer: Answer) -> Seen:
    """Find out what can be seen of a service that is not ready, within a few seconds."""
    seen = Seen(answer)
    if target.process:
        taken = death.holders(target.process, last_words(target.process).lines, target.url)
        seen = seen._replace(listens=_listening(target.process), taken=taken)
        if not answer.status and answer.kind != REFUSED:
            seen = seen._replace(other=_stranger(target, seen.listens))
    if answer.status == 404:
        return seen._replace(paths=_answering(target, probe.path))
    if answer.problem and not answer.kind and target.url.startswith("http://"):
        return seen._replace(speaks_tls=speaks_tls(*address_of(target.url)))
    return seen


def usurper(target: Target) -> Optional[ports.Listener]:
    """Find who listens where the service should, if that ran before the service did: it cannot have come of it.

    A container's proxy is none of its processes either, but younger.
    """
    other = _stranger(target, _listening(target.process)) if target.process else None
    known = identify(other.pid) if other else None
    is_older = target.process and known and known.create_time < target.process.identity.create_time
    return other if is_older else None


def cause_of(target: Target, probe: Probe, seen: Seen) -> Cause:
    """Tell why a service is not ready, of those causes that can be told apart."""
    if seen.speaks_tls:
        hint = "It is asked by http://, as the suite does: start it without its certificate."
        return Cause("; it speaks TLS", f"Write https:// in {target.setting}." if target.setting else hint)
    if seen.taken:
        port, holder = seen.taken[0]
        return Cause(f"; port {port} is in use by {death.holder_words(holder)}", death.STOP_HOLDER)
    if seen.answer.status:
        return _of_answer(probe, seen)
    if target.setting:
        return Cause("", f"{target.setting} names this service, so none was started: start it, or correct the url.")
    if seen.answer.kind == REFUSED:
        return _of_refusal(target, seen.listens)
    if seen.other:
        words = f"; what listens there is {death.holder_words(seen.other)}, none of its processes"
        return Cause(words, f"Unless that is its own (a container's proxy is): stop it. {LONGER}")
    return Cause("", f"It listens, but does not serve: it loads in the thread that should answer, or hangs. {LONGER}")


def _of_answer(probe: Probe, seen: Seen) -> Cause:
    """Tell what an answer means that is not the expected one."""
    status = seen.answer.status
    if status == 404:
        answering = [f"{path} answers {status_words(code)}" for path, code in seen.paths]
        better = next((path for path, code in seen.paths if code == 200), "")
        set_it = f"service.ready.path: {better}" if better else "service.ready.path in pipeline.yml"
        words = f"; {', '.join(answering)}" if answering else ""
        return Cause(words, f"It answers, so the path is wrong, not the time: set {set_it}.")
    if status == 200 or probe.expect.statuses:
        return Cause("", f"The last answer is not what service.ready.expect says. {LONGER}")
    if status in FINAL:
        accept = f"service.ready: {{path: {probe.path}, expect: {{status: {status}}}}}"
        return Cause("", f"If that is how it answers when it is ready, say so: {accept}.")
    return Cause("", f"It answers that it cannot serve; why should stand there, or in its log. {LONGER}")


def _of_refusal(target: Target, listens: Optional[Sequence[Address]]) -> Cause:
    """Tell where it listens instead, if it does."""
    if listens is None:
        return Cause("", LONGER)
    if not listens:
        return Cause(", and it listens nowhere else", LONGER)
    host, port = address_of(target.url)
    words = f"; it listens on {_listed(listens)}"
    elsewhere = next((address.host for address in listens if address.port == port), None)
    if elsewhere:
        told = f"Let it listen on {host}: {{host}} in service.command, such as --host {{host}}"
        return Cause(words, f"{told}; where it cannot be told, set service.host: '{elsewhere}'.")
    return Cause(
        words,
        "Tell it where to listen, by {host} and {port} in service.command or service.environment; where it cannot be "
        f"told, set service.port: {listens[0].port}.",
    )


def _listed(addresses: Sequence[Address]) -> str:
    """List addresses in words.

    >>> _listed([Address("127.0.0.1", 80), Address("::1", 8000)])
    '127.0.0.1:80 and [::1]:8000'
    """
    words = [str(address) for address in addresses]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def speaks_tls(host: str, port: int) -> bool:
    """Tell whether a handshake is answered as TLS does, whatever comes of it."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), LOOK_S) as connection, context.wrap_socket(connection):
            return True
    except ssl.SSLError as error:  # an alert is TLS too; what is no TLS has a wrong version
        return "ALERT" in (error.reason or "")
    except (OSError, ValueError):
        return False


def address_of(url: str) -> Tuple[str, int]:
    """Give host and port of a url; port 0 where it is none.

    >>> address_of("https://host/x"), address_of("http://[::1]:80")
    (('host', 443), ('::1', 80))
    """
    parts = urlsplit(url)
    try:
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return parts.hostname or "", 0


def _listening(process: Process) -> Optional[List[Address]]:
    """List where a process and all that it started listen; None where the system does not tell."""
    import psutil

    if not are_told():
        return None
    found = set()
    for member in tree(process.identity, process.run_id):
        with suppress(psutil.Error):
            sockets = member.net_connections(kind="tcp")
            found |= {Address(*each.laddr[:2]) for each in sockets if each.status == psutil.CONN_LISTEN and each.laddr}
    return sorted(found)


def _stranger(target: Target, listens: Optional[Sequence[Address]]) -> Optional[ports.Listener]:
    """Find who listens where the service should, if that is none of its processes."""
    _, port = address_of(target.url)
    return None if listens is None or any(own.port == port for own in listens) else ports.listener(port)


def _answering(target: Target, path: str) -> List[Tuple[str, int]]:
    """Find which of the usual paths answer, each asked once."""
    found, until = [], time.monotonic() + MOST_S
    for other in OTHER_PATHS:
        if other.rstrip("/") == path.rstrip("/"):
            continue
        if target.process:
            target.process.probed.add(other)
        answer = ask(target, "GET", other, LOOK_S, until)
        if answer and answer.status and answer.status != 404:
            found.append((other, answer.status))
    return found
