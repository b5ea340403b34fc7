"""Which files an adopted project gets, and what stands in them: a pure function over the facts of a look at it."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import Any, List, Mapping, Sequence

from ..environments.pythons import allows, supported
from ..environments.running import HERE
from ..settings.project import EDIT
from . import ci_files, templates
from .ci_files import CiFile, Origin
from .commands import Start
from .files import Wanted
from .looks import DISTRIBUTIONS, Facts
from .routes import Route

TESTS = "tests/integration"
SERVICE_REQUIREMENTS = "requirements-service.txt"
PIPELINE = "pipeline.yml"
SETTINGS_AND_TESTS = "what is started, asked and tested"
READY_TIMEOUT = "3 min"  # a heavy service loads for long; weights that it fetches by itself come on top
FETCHING_TIMEOUT = "20 min"
OTHERS = 2  # further candidates that are shown, as comments
NEAR = 30  # and how much less likely they may be
SHOWN = 2  # of the weights
WIDTH = 112  # of a line with its comment


def wanted(facts: Facts, origin: Origin, python: str, has_settings: bool, ci: CiFile) -> List[Wanted]:
    """List the files, pipeline.yml last: it says that the rest is there.

    Args:
        python: of ours, "3.11": taken where the project names none.
        has_settings: a pipeline.yml is there, so packages and tests are told already.
        ci: where CI's file goes, and whose.
    """
    own = [] if has_settings else [*_packages(facts), *_tests(facts)]
    return [
        *own,
        Wanted("noxfile.py", noxfile(facts, origin), "the sessions: nox -l"),
        Wanted(ci.path, _ci(facts, origin, python, ci), ci_files.purpose(ci)),
        Wanted(".gitignore", templates.GITIGNORE, "what runs make is not committed", appended=True),
        Wanted(PIPELINE, pipeline(facts), SETTINGS_AND_TESTS),
    ]


def noxfile(facts: Facts, origin: Origin) -> str:
    """Write the menu, with a session for each Python that the project is for."""
    steps = "\n".join(f'    "{name}": "{text}",' for name, text in templates.STEPS.items())
    named = [each for each in supported() if allows(facts.requires_python, each)] or [facts.python or HERE]
    text = templates.NOXFILE.replace("@STEPS@", steps).replace("@PYTHON@", named[-1])
    text = text.replace("@PYTHONS@", ", ".join(f'"{python}"' for python in named))
    return ci_files.from_origin(text, origin)


def _ci(facts: Facts, origin: Origin, python: str, ci: CiFile) -> str:
    named = [service_requirements(facts), suite_requirements(facts)]
    return ci_files.text(ci, origin, facts.python or python, [path for path in named if path])


# Packages and tests -------------------------------------------------------------------------------


def _packages(facts: Facts) -> List[Wanted]:
    """Write the service's requirements where no file of theirs names them all."""
    if not facts.packages:
        return []
    is_itself = facts.packages[0].startswith("-e ")
    why = "this project itself" if is_itself else "copied from pyproject.toml: keep it in step"
    return [
        Wanted(
            SERVICE_REQUIREMENTS,
            f"# The service's packages: {why}. Made by `shardline adopt`.\n"
            + "".join(f"{line}\n" for line in facts.packages),
            f"the service's packages: {why}",
        )
    ]


def service_requirements(facts: Facts) -> str:
    """Name the file of the service's packages; "" where nothing names any."""
    return facts.requirements or (SERVICE_REQUIREMENTS if facts.packages else "")


def suite_paths(facts: Facts) -> Sequence[str]:
    """Name the tests: the project's own, else the example."""
    return facts.tests.paths if facts.tests else (TESTS,)


def suite_requirements(facts: Facts) -> str:
    """Name the file of the tests' packages."""
    if facts.tests and facts.test_requirements:
        return facts.test_requirements
    folder = PurePosixPath(facts.tests.folder if facts.tests else TESTS)
    there = str(folder / "requirements.txt")
    return there if there not in facts.files else str(folder / "requirements-integration.txt")


def _tests(facts: Facts) -> List[Wanted]:
    made = []
    if suite_requirements(facts) not in facts.files:
        imports = sorted(
            {"requests", *(DISTRIBUTIONS.get(name, name) for name in (facts.tests.imports if facts.tests else ()))}
        )
        text = (
            "# What the integration tests need. Made by `shardline adopt`.\n" + "\n".join(["pytest", *imports]) + "\n"
        )
        made.append(Wanted(suite_requirements(facts), text, "the packages of the tests"))
    if facts.tests is None:
        made.append(Wanted(f"{TESTS}/test_service.py", example(facts), "an example: write your tests beside it"))
    elif facts.tests.variable not in ("", "SERVICE_URL") and not facts.tests.has_conftest:
        text = templates.CONFTEST.replace("@VARIABLE@", facts.tests.variable)
        made.append(
            Wanted(
                str(PurePosixPath(facts.tests.folder) / "conftest.py"),
                text,
                f"tells your tests the address in {facts.tests.variable}",
            )
        )
    return made


def example(facts: Facts) -> str:
    """Write the example test: the probe's path, and one call that makes the service work."""
    ready = templates.READY_TEST.replace("@PATH@", facts.probe.path or "/")
    works = _works(facts)
    imports = "import pytest\nimport requests" if "pytest." in works + ready else "import requests"
    text = templates.TEST.replace("@IMPORTS@", imports)
    if not facts.probe.path:
        ready = templates.SKIP.format("say a path that answers 200") + ready
        text = templates.TEST.replace("@IMPORTS@", "import pytest\nimport requests")
    return text.replace("@READY@", ready.rstrip("\n")).replace("@WORKS@", f"\n{works}").rstrip("\n") + "\n"


def _works(facts: Facts) -> str:
    if facts.gradio:
        name, is_text, _ = facts.gradio
        skip = "" if is_text else templates.SKIP.format("say what a real call takes")
        return templates.GRADIO_TEST.replace("@NAME@", name).replace("@SKIP@", skip)
    if facts.call is None:
        return ""
    route = facts.call.route
    skip = "" if route.sure else templates.SKIP.format("say what a real request holds")
    text = templates.CALL_TEST.replace("@SKIP@", skip).replace("@VERB@", route.method.lower())
    return text.replace("@PATH@", json.dumps(route.path)).replace("@BODY@", _arguments(route))


def _arguments(route: Route) -> str:
    """Write the arguments by which requests sends the body."""
    given = ""
    if route.json is not None:
        given += f"json={_python(route.json)}, "
    if route.query:
        given += f"params={_python(dict.fromkeys(route.query, 'hello'))}, "
    if route.form:
        given += f"data={_python(dict.fromkeys(route.form, 'hello'))}, "
    if route.files:
        given += "files={" + ", ".join(f'{_python(name)}: open("sample", "rb")' for name in route.files) + "}, "
    return given


def _python(value: Any) -> str:
    """Write a value as Python has it, in double quotes where it has no quote of its own.

    >>> print(_python({"a": 1}), _python({'"': "'"}))
    {"a": 1} {'"': "'"}
    """
    text = repr(value)
    return text if '"' in text or "\\" in text else text.replace("'", '"')


# pipeline.yml -------------------------------------------------------------------------------------


def pipeline(facts: Facts) -> str:
    """Write the settings: at most 30 lines, each with its meaning."""
    lines = [
        "# What Shardline starts, asks and tests. Made by `shardline adopt`: edit it; all keys: `shardline settings`.",
        *_beside([(f"name: {word(facts.name)}", "shown to people")]),
        "service:",
        *(f"  {line}" for line in _service(facts)),
        *_models(facts),
        "suite:",
        *(f"  {line}" for line in _suite(facts)),
        *_beside(
            [("nodes: 1", "shards that `nox -s integration` makes here; --nodes 4 for one run; CI has its own number")]
        ),
        "# Shards of CI that are done run tests of the others, as shards here do, over a store that all of them reach:",
        *_beside([("# distribution: {store: 'redis://:$PASSWORD@HOST'}", "or s3://BUCKET/PREFIX, or a folder")]),
    ]
    return "".join(f"{_one_line(line)}\n" for line in lines)


def _one_line(text: str) -> str:
    """Keep a comment from ending where a text that it quotes has a line's end."""
    return "".join(each if each.isprintable() else " " for each in text)


def _service(facts: Facts) -> List[str]:
    start = facts.start or Start(
        (EDIT, "--host", "{host}", "--port", "{port}"), "", 0, todo="which command starts the service?"
    )
    said = f"as {start.source} has it" if start.source else "nothing here says how"
    lines = [f"# How it starts, {said}. No shell; {{host}} and {{port}} are filled in, a free port at every start."]
    lines += [f"# {EDIT}: {start.todo}"] if start.todo else []
    lines.append(f"command: {flow(start.words)}")
    others = [other for other in facts.starts[1:] if other.rank > start.rank - NEAR and not other.todo]
    others = [other for other in others if not other.script or other.script != start.script][:OTHERS]
    lines += [f"# or, as {other.source} has it: {flow(other.words)}{_also(other)}" for other in others]
    rows = []
    if start.directory != ".":
        rows.append((f"directory: {word(start.directory)}", "where the command is started"))
    asked = facts.tests.port if facts.tests else 0
    if start.port or asked:
        why = "the service takes no other" if start.port else "your tests ask this one"
        rows.append((f"port: {start.port or asked}", f"{why}: shards here run one at a time"))
    if start.environment:
        rows.append((f"environment: {flow(start.environment)}", "variables that it reads"))
    requirements = service_requirements(facts)
    if requirements:
        rows.append((f"requirements: {word(requirements)}", "its packages; `python` above is then their environment"))
    else:
        rows.append(("# requirements: FILE", "its packages; without, `python` is the one that runs Shardline"))
    rows.append(_ready(facts))
    return [*lines, *_beside(rows), *_before(start), *_warm_up(facts)]


def _also(start: Start) -> str:
    return f", with environment: {flow(start.environment)}" if start.environment else ""


def _ready(facts: Facts) -> tuple[str, str]:
    timeout = FETCHING_TIMEOUT if facts.weights else READY_TIMEOUT
    if not facts.probe.path:
        return f"ready: {{tcp: true, timeout: {timeout}}}", "when it accepts connections; better: path: /health"
    text = f"ready: {{path: {word(facts.probe.path)}, timeout: {timeout}}}"
    return text, f"asked until it answers 200: {facts.probe.source}"


def _before(start: Start) -> List[str]:
    if not start.before:
        return []
    return [
        f"# prepare: {{command: {flow(start.before[-1])}}}  # it came before the command: once, before the first start"
    ]


def _warm_up(facts: Facts) -> List[str]:
    """Suggest the request that must succeed before the first test; as a comment, since it is a guess."""
    lines = [
        "# A real request before the first test, so that a service that cannot work stops here. Try it, then uncomment:"
    ]
    if facts.gradio:
        name, is_text, _ = facts.gradio
        request = {"path": f"/gradio_api/call/{name}", "json": {"data": ["hello"]}, "timeout": "5 min"}
        return [*lines, f"# warm_up: {flow(request)}" + ("" if is_text else "  # data: what the function takes")]
    if facts.call is None:
        return [*lines, "# warm_up: {path: /predict, json: {text: hello}, timeout: 5 min}"]
    return [*lines, f"# warm_up: {flow(_request(facts.call.route))}  # {facts.call.source}"]


def _request(route: Route) -> Mapping[str, Any]:
    request: dict[str, Any] = {"path": route.path}
    if route.query:
        request["path"] += "?" + "&".join(f"{name}=hello" for name in route.query)
    if route.files or route.form:
        request["files"] = dict.fromkeys(route.files, "tests/sample.bin")
        request["form"] = dict.fromkeys(route.form, "hello")
    elif route.method == "POST":
        request["json"] = route.json or {"text": "hello"}
    return {**{key: value for key, value in request.items() if value}, "timeout": "5 min"}


def _models(facts: Facts) -> List[str]:
    lines = ["# Weights that Shardline fetches once, verifies and keeps: `shardline models add URL` prints the entry."]
    seen = [f"{what} ({where})" for what, where in facts.weights[:SHOWN]]
    first = next((what for what, _ in facts.weights if not what.startswith("http")), "")
    url = f"hf://{first}" if first else "URL"
    if seen:
        lines = [
            f"# The service fetches by itself: {', '.join(seen)}{', and more' if len(facts.weights) > SHOWN else ''}.",
            f"# To fetch once, verify and keep: `shardline models add {url}` prints the entries for here.",
        ]
    option = facts.start.models if facts.start else ""
    hint = f"  # and tell the service where they are: {option}, {flow('{models}')} in its command" if option else ""
    return [*lines, f"# models: {{files: []}}{hint}"]


def _suite(facts: Facts) -> List[str]:
    paths = suite_paths(facts)
    rows = [
        (
            f"path: {flow(paths if len(paths) > 1 else paths[0])}",
            "the tests; they find the service's address in SERVICE_URL",
        )
    ]
    rows.append((f"requirements: {word(suite_requirements(facts))}", "their packages, pytest among them"))
    if facts.tests and facts.tests.variable not in ("", "SERVICE_URL") and facts.tests.has_conftest:
        rows.append(
            (f"# {EDIT}: your tests read {facts.tests.variable}", "give it SERVICE_URL's value in your conftest.py")
        )
    return _beside(rows)


def _beside(rows: Sequence[tuple[str, str]]) -> List[str]:
    """Write settings with their comments in one column."""
    width = max((len(text) for text, _ in rows if len(text) <= 50), default=0)
    return [f"{text:<{width}}  # {comment}" for text, comment in rows]


def flow(value: Any) -> str:
    """Write words, mappings and texts of YAML in one line.

    >>> print(flow({"a": ["x", "{port}", "on", 1]}))
    {a: [x, "{port}", "on", 1]}
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{word(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return word(value) if isinstance(value, str) else json.dumps(value)


def word(text: str) -> str:
    """Quote a text where YAML would read something else.

    >>> print(word("app.py"), word("{port}"), word("yes"), word("8000"), word("a: b"))
    app.py "{port}" "yes" "8000" "a: b"
    """
    plain = re.fullmatch(r"(?!-?$)[-A-Za-z_./][-\w./+=@]*( [\w./+=@]+)*|[0-9]+ (s|min|h)", text)
    is_other = re.fullmatch(r"(?i)(y|n|yes|no|on|off|true|false|null|~|[-+]?\.?(inf|nan)|[-+.]?[\d.][\d._e+-]*)", text)
    return text if plain and not is_other and not text.startswith(("---", "...")) else _quoted(text)


def _quoted(text: str) -> str:
    """Write a text of YAML in double quotes, what cannot be printed by its number."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in quoted)
