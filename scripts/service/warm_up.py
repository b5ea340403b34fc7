"""Can the service do its work: the requests and commands that must succeed before the first test."""

from __future__ import annotations

import json
import mimetypes
import re
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Sequence, Tuple
from urllib.parse import quote

from ..console import human_seconds, visible
from ..errors import WarmUpFailed
from ..settings import Expected, WarmUp
from ..system import processes, programs
from ..system.process_tree import MARKER
from ..system.programs import ProgramFailed
from .asking import EVENTS, UNFINISHED, Answer, Target, ask, body_words, check_alive, pause, status_words, with_log
from .expectations import ANY_OK, MISSING, fault, field, parsed

DEATH_FOLLOWS_S = 1.0  # a dying process closes its connections before it can be seen dead
COMMAND_LINES = 20  # of what a command printed last are shown
PASSWORD = re.compile(rb"""<input\b[^>]*\btype=["']?password""", re.IGNORECASE)
UNQUOTED = "/:@!$&'()*+,;=~-._"  # in a path: what a kept value may be there, such as another path

Kept = Dict[str, Any]


class Surroundings(NamedTuple):
    """What the steps of a warm-up find on this machine.

    Args:
        folder: of pipeline.yml; the paths of `files` are relative to it.
        directory: where commands are started.
        environ: the service's environment.
        values: what the placeholders of a command stand for.
    """

    folder: Path
    directory: Path
    environ: Mapping[str, str]
    values: Mapping[str, object]


class Step(NamedTuple):
    """One step on its way: what it is called for people, what it sends, and what it must end by."""

    title: str
    said: WarmUp
    deadline: float


def run(target: Target, steps: Sequence[WarmUp], around: Surroundings) -> float:
    """Take each step in turn.

    Returns:
        seconds that they took together.

    Raises:
        ServiceDied: the process ended; said at once.
        WarmUpFailed: a step had any other answer than the expected one, or none in its time; a command failed.
    """
    target = target._replace(phase="during the warm-up")
    began = time.monotonic()
    kept: Kept = {}
    for number, step in enumerate(steps, 1):
        title = "the warm-up" if len(steps) == 1 else f"step {number} of {len(steps)} of the warm-up,"
        on_its_way = Step(title, step, time.monotonic() + step.timeout_s)
        if step.command:
            _run_command(target, on_its_way, around)
        else:
            kept.update(_request(target, on_its_way, around, kept))
    return time.monotonic() - began


def _request(target: Target, step: Step, around: Surroundings, kept: Kept) -> Kept:
    """Send the request of a step, and return what later ones take of its answer."""
    said = filled(step.said, kept)
    parts: Dict[str, Any] = {"headers": dict(said.headers)}
    if said.form:
        parts["data"] = dict(said.form)
    if said.files:
        parts["files"] = {name: _file(target, step, around.folder / path) for name, path in said.files.items()}
    answer = _ask(target, step, method_of(said), said.path or "/", said.json, parts, said.expect)
    queued = gradio_event(said.path or "/", answer)
    if queued and not said.keep:  # accepted is not done
        complete = Expected(text="(?m)^event: complete")
        _ask(target, step, "GET", queued, None, {"headers": dict(said.headers)}, complete)
    return _taken(target, step, f"{method_of(said)} {target.shown(said.path or '/')}", answer)


def _ask(
    target: Target, step: Step, method: str, path: str, body: Any, parts: Mapping[str, Any], expected: Expected
) -> Answer:
    """Send one request and see that its answer is the expected one."""
    left_s = max(0.001, step.deadline - time.monotonic())
    enough = partial(is_enough, expected)
    answer = ask(target, method, path, left_s, step.deadline, body, parts, enough) or UNFINISHED
    if target.process and answer.problem:
        pause(target, DEATH_FOLLOWS_S)
    check_alive(target)
    wrong = wrong_with(answer, expected, sends=body is not None or len(parts) > 1)
    if wrong:
        raise _failed(target, step, f"{method} {target.shown(path)} {wrong}", "Send it by hand")
    return answer


def _taken(target: Target, step: Step, title: str, answer: Answer) -> Kept:
    """Take the values that later steps use out of an answer."""
    document = parsed(answer.body) if step.said.keep else MISSING
    values = {name: field(document, dotted) for name, dotted in step.said.keep.items()}
    for name, value in values.items():
        if value is MISSING:
            wanted = f"no field {step.said.keep[name]}, which {name} is to be kept of: {body_words(answer.body)}"
            raise _failed(target, step, f"{title} answered with {wanted}", "Send it by hand")
    return values


def _file(target: Target, step: Step, file: Path) -> Tuple[str, bytes, str]:
    """Read a file that is sent: its name, content and content type."""
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    try:
        return file.name, file.read_bytes(), kind
    except OSError as error:
        raise _failed(target, step, f"cannot send {file}: {error.strerror}", "Look at the file") from error


def _run_command(target: Target, step: Step, around: Surroundings) -> None:
    """Run the command of a step; its exit code says whether the service can work."""
    words = [word.format(**around.values) for word in step.said.command]
    environ = {**around.environ, "SERVICE_URL": target.url}
    if target.process:
        environ.update({MARKER: target.process.run_id, "SERVICE_PID": str(target.process.identity.pid)})
    try:
        programs.output(
            words,
            step.said.timeout_s,
            cwd=around.directory,
            environ=environ,
            merged=True,
            meanwhile=partial(check_alive, target),
        )
    except ProgramFailed as error:
        check_alive(target)
        lines = processes.tail(error.output, COMMAND_LINES) or ["(it printed nothing)"]
        printed = [] if error.returncode is None and not error.output else ["it printed last:", *lines]
        message = "\n  | ".join([f"{visible(str(error))}, expected exit code 0", *printed])
        raise _failed(target, step, message, "Run it by hand, with SERVICE_URL in its environment") from error
    check_alive(target)


def _failed(target: Target, step: Step, what: str, by_hand: str) -> WarmUpFailed:
    message = f"the service is ready but cannot work: {step.title} {what}"
    hint = f"{by_hand}, or see service.warm_up (its timeout is {human_seconds(step.said.timeout_s)})."
    return with_log(WarmUpFailed, message, hint, target)  # type: ignore[return-value]


def method_of(said: WarmUp) -> str:
    """Give the method of a request: POST where it has a body and says none.

    >>> method_of(WarmUp("/voices")), method_of(WarmUp("/tts", json={})), method_of(WarmUp("/x", method="PUT"))
    ('GET', 'POST', 'PUT')
    """
    has_body = said.json is not None or said.form or said.files
    return said.method or ("POST" if has_body else "GET")


def filled(said: WarmUp, kept: Kept) -> WarmUp:
    """Put kept values where a request names them: in path, headers, form, and the strings of its JSON."""
    if not kept:
        return said
    in_path = {name: quote(_text(value), safe=UNQUOTED) for name, value in kept.items()}
    return replace(
        said,
        path=put(said.path or "/", in_path),
        headers={name: _text(put(value, kept)) for name, value in said.headers.items()},
        form={name: _text(put(value, kept)) for name, value in said.form.items()},
        json=_each(said.json, kept),
    )


def put(text: str, kept: Kept) -> Any:
    """Put kept values into a text; one that is nothing but a name becomes the value itself. Other braces stay.

    >>> put("a {n} {m}", {"n": 1}), put("{n}", {"n": [1]}), put("{}", {"n": 1})
    ('a 1 {m}', [1], '{}')
    """
    name = text[1:-1]
    if name in kept and text == f"{{{name}}}":
        return kept[name]
    return re.sub(r"\{([^{}]+)\}", lambda found: _text(kept[found[1]]) if found[1] in kept else found[0], text)


def _each(value: Any, kept: Kept) -> Any:
    """Put kept values into the strings of a JSON document."""
    if isinstance(value, str):
        return put(value, kept)
    if isinstance(value, dict):
        return {name: _each(part, kept) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each(part, kept) for part in value]
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def gradio_event(path: str, answer: Answer) -> str:
    r"""Return the path that tells how a call of a Gradio queue went, where the answer is only its event's id; else "".

    Such an answer comes before anything was inferred. A query belongs to the call.

    >>> gradio_event("/call/f?a=1", Answer(200, b'{"event_id": "5f"}'))
    '/call/f/5f'
    """
    path = path.partition("?")[0].rstrip("/")
    document = parsed(answer.body) if "/call/" in path else MISSING
    event = document.get("event_id") if isinstance(document, dict) and len(document) == 1 else None
    return f"{path}/{quote(event, safe='')}" if isinstance(event, str) and event else ""


def is_enough(expected: Expected, body: bytes) -> bool:
    r"""Say whether a stream of events needs no reading on: the expected text came, or an event that says error.

    >>> is_enough(Expected(text="complete"), b"event: compl"), is_enough(Expected(), b"event: error\ndata: null\n\n")
    (False, True)
    """
    text = body.decode("utf-8", "replace").replace("\r\n", "\n")
    ended = text.rpartition("\n\n")[0]  # an event may be cut in its middle
    found = expected.text is not None and re.search(expected.text, ended)
    return bool(found) or bool(_error_event(ended))


def wrong_with(answer: Answer, expected: Expected, sends: bool = False) -> str:
    """Say what is wrong with the answer to a warm-up, in words after "it"; else "".

    Where nothing is expected, it must have a body, and that must not say that there was an error. A page is no answer
    where something was sent, nor where it asks for a password.
    """
    wrong = fault(answer, expected, ANY_OK)
    if wrong:
        return wrong
    is_stream = str(_header(answer, "content-type")).lower().startswith(EVENTS)
    event = _error_event(answer.body.decode("utf-8", "replace")) if is_stream and expected.text is None else ""
    if event:
        return f"answered with {event}"
    if expected == Expected():
        return _unusual(answer, sends)
    return ""


def _unusual(answer: Answer, sends: bool) -> str:
    answered = f"answered {status_words(answer.status)}"
    if not answer.body:
        return f"{answered} with an empty body"
    if _is_page(answer) and (sends or PASSWORD.search(answer.body)):
        said = "where a page is the right answer, say expect: {headers: {content-type: text/html}}"
        return f"{answered} with a page: {body_words(answer.body)} ({said})"
    document = parsed(answer.body)
    if isinstance(document, dict) and _is_error(document):
        return f"{answered}, but with an error: {body_words(answer.body)}"
    return ""


def _is_page(answer: Answer) -> bool:
    """Tell whether an answer is a page: Flask says text/html of whatever its handler returns, a sound or a word, too.

    >>> _is_page(Answer(200, b"<p>hi", "", {"Content-Type": "text/html"}))
    True
    >>> _is_page(Answer(200, b"RIFF", "", {"Content-Type": "text/html"}))
    False
    """
    is_called_one = _header(answer, "content-type").lower().startswith("text/html")
    return is_called_one and answer.body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _is_error(document: Mapping[str, Any]) -> bool:
    """Tell whether an answer says that it is none.

    >>> _is_error({"error": "no model"}), _is_error({"ok": False}), _is_error({"ok": True, "error": None})
    (True, True, False)
    """
    failed = any(document.get(name) is False for name in ("ok", "success"))
    return failed or ("error" in document and (bool(document["error"]) or len(document) == 1))


def _error_event(text: str) -> str:
    """Return the first event of a stream that says error, in one line; else ""."""
    match = re.search(r"^event: ?error\b.*(?:\n.+)*", text.replace("\r\n", "\n"), re.MULTILINE)
    return body_words(match[0].encode()) if match else ""


def _header(answer: Answer, name: str) -> str:
    return next((value for each, value in answer.headers.items() if each.lower() == name), "")
