"""What a foreign project is: how its service starts, when it is ready, what it answers, needs and is tested by.

A pure function over the texts of its files (see `files.read`): nothing of the project is imported or run.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from . import code, starts
from .code import Source
from .commands import Start, dockerfile
from .fitting import ASIDE
from .modules import family
from .routes import EXAMPLES, SURE, Route, example

# The last part of a path that tells whether a service is ready, the best first.
READY = ("ready", "readyz", "readiness", "health", "healthz", "healthcheck", "health_check", "health-check", "livez",
         "live", "ping", "status", "heartbeat", "alive", "up", "version", "info")  # fmt: skip
OF_FRAMEWORKS = {"streamlit": "/_stcore/health", "gradio": "/", "bentoml": "/readyz", "litserve": "/health"}
OF_PROGRAMS = {"vllm": "/health", "piper.http_server": "/info", "rapidocr_api": "/", "http.server": "/"}
CALLS = {
    "piper.http_server": Route("POST", "/synthesize", 0, json={"text": "hello"}, sure=True),
    "rapidocr_api": Route("POST", "/ocr", 0, files=("image_file",)),
}
ADDRESSES = ("SERVICE_URL", "BASE_URL", "API_URL", "TEST_URL", "APP_URL", "SERVER_URL", "ENDPOINT", "API_BASE_URL")
REQUIREMENTS = ("requirements.txt", "requirements/prod.txt", "requirements/production.txt", "requirements/base.txt",
                "requirements-prod.txt", "requirements-cpu.txt", "requirements_cpu.txt")  # fmt: skip
FOR_TESTS = re.compile(r"(.*/)?(requirements[-_./](dev|tests?|testing|integration)|(dev|tests?)[-_/]requirements)\.txt")
DISTRIBUTIONS = {"PIL": "pillow", "cv2": "opencv-python-headless", "yaml": "pyyaml", "websocket": "websocket-client",
                 "bs4": "beautifulsoup4", "dotenv": "python-dotenv", "pytest_asyncio": "pytest-asyncio",
                 "gradio_client": "gradio-client"}  # fmt: skip
ASKS = {"requests", "httpx", "aiohttp", "urllib3", "websockets", "websocket", "gradio_client", "openai", "grpc"}
WORKS = re.compile(
    "tts|speech|synth|predict|infer|generat|ocr|asr|transcri|embed|complet|chat|encode|detect|recogni|rerank"
)
OF_A_SUITE = re.compile(r"(^|/)(tests?|e2e|integration\w*)/")  # what tests share lies there, too
SHOWN = re.compile(r"(^|/)(examples?|docs?|demos?|notebooks?)/")  # to read, not to run
# What is put into files that are run or read as YAML is plain, or was not found: a source may say anything.
PLAIN_PATH = re.compile(r"[^\s\"'\\`#]*")
PLAIN_NAME = re.compile(r"[\w./-]+")
MOST_WEIGHTS = 5
MOST_PATHS = 5  # of tests; more are told by their folder
OF_TESTS = {"numpy", "soundfile", "pydub", "scipy", "librosa", "pytest_asyncio", "anyio", "jsonschema", "pydantic"}


@dataclass(frozen=True)
class Probe:
    """The readiness probe: a path, or "" where only the port can be looked at; and where that was read."""

    path: str
    source: str
    known: bool = True


@dataclass(frozen=True)
class Call:
    """A request that makes the service work, and where it was read."""

    route: Route
    source: str


@dataclass(frozen=True)
class Tests:
    """The project's integration tests: their paths and folder, the variable with the address, or a port they fix."""

    paths: Tuple[str, ...]
    folder: str
    variable: str = ""
    port: int = 0
    has_conftest: bool = False
    imports: Tuple[str, ...] = ()
    left_out: Tuple[str, ...] = ()  # tests beside them that ask nothing


@dataclass(frozen=True)
class Facts:
    """All that a look at a project found. Empty is what is not there; `files` are the names of all text files."""

    name: str
    starts: Tuple[Start, ...]
    probe: Probe
    call: Optional[Call]
    gradio: Optional[Tuple[str, bool, str]]  # the name of its function, whether it takes one text, where it was read
    requirements: str
    packages: Tuple[str, ...]  # lines of a requirements file to write, where none that is there is enough
    test_requirements: str
    tests: Optional[Tests]
    weights: Tuple[Tuple[str, str], ...]  # (what, where)
    python: str  # "3.11", as the project wants it
    requires_python: str
    locks: Tuple[str, ...]
    files: Tuple[str, ...]

    @property
    def start(self) -> Optional[Start]:
        """The likeliest way to start the service."""
        return self.starts[0] if self.starts else None


def facts(name: str, texts: Mapping[str, str]) -> Facts:
    """Look a project over: `texts` has the text of each file by its path from the project's folder."""
    parsed = ((file, code.read(file, text)) for file, text in texts.items() if file.endswith(".py"))
    sources = {file: source for file, source in parsed if source is not None}
    found = tuple(starts.find(texts, sources))
    own = {file: source for file, source in sources.items() if not ASIDE.search(str(PurePosixPath(file).parent))}
    near = _near(found[0] if found else None, own)
    routes = list(_whole_routes(near, own))
    pyproject = texts.get("pyproject.toml", "")
    requires = _value(pyproject, "requires-python") or _value(_section(pyproject, "tool.poetry.dependencies"), "python")
    requirements = _requirements(texts, found[0] if found else None)
    packages = _packages(texts, requirements, found[0] if found else None, f"-e .{_extra(pyproject, near)}")
    about = _section(pyproject, "project") or _section(pyproject, "tool.poetry")
    return Facts(
        name=_value(about, "name") or name,
        starts=found,
        probe=_probe(found[0] if found else None, near, routes),
        call=_call(routes) or _known_call(found[0] if found else None),
        gradio=_gradio(near),
        requirements="" if packages else requirements,
        packages=tuple(packages),
        test_requirements=next(
            (file for file in sorted(texts) if FOR_TESTS.fullmatch(file) and "pytest" in texts[file]), ""
        ),
        tests=_tests(sources),
        weights=tuple(_weights(own))[:MOST_WEIGHTS],
        python=_python(texts, requires),
        requires_python=requires,
        locks=tuple(file for file in ("uv.lock", "poetry.lock", "pdm.lock", "environment.yml") if file in texts),
        files=tuple(texts),
    )


def _near(start: Optional[Start], sources: Mapping[str, Source]) -> Mapping[str, Source]:
    """Return the sources of the service: the folder of its script, and what that imports; all where it is unknown."""
    script = sources.get(str(PurePosixPath(start.directory) / start.script)) if start and start.script else None
    if script is None:
        return sources
    folder = str(PurePosixPath(script.file).parent)
    related = {source.file: source for source in family(script, sources)}
    below = {} if folder in (".", "src") else {f: s for f, s in sources.items() if f.startswith(f"{folder}/")}
    return {**related, **below}


def _whole_routes(near: Mapping[str, Source], sources: Mapping[str, Source]) -> Iterator[Tuple[str, Route]]:
    """List the routes with the file of each: their prefixes put before them, their bodies looked up."""
    classes = {name: fields for source in sources.values() for name, fields in source.classes.items()}
    for file, source in near.items():
        for route in source.routes:
            prefix = _included(file, route.router, near) + source.prefixes.get(route.router, "")
            path = re.sub("//+", "/", f"{prefix}{route.path}")
            if not (PLAIN_PATH.fullmatch(path) and path.isprintable()):
                continue
            yield file, _with_body(replace(route, path=path), classes)


def _included(file: str, router: str, sources: Mapping[str, Source]) -> str:
    """Find the prefix under which a router is taken into the application."""
    stem = PurePosixPath(file).stem
    for source in sources.values():
        for written, prefix in source.includes:
            module, name = source.aliases.get(written, (source.aliases.get(written.split(".")[0], ("", ""))[1], ""))
            same = (written == router and source.file == file) or written == f"{stem}.{router}"
            if prefix and (same or (name == router and module.rpartition(".")[2] == stem)):
                return prefix
    return ""


def _with_body(route: Route, classes: Mapping[str, Mapping[str, str]]) -> Route:
    fields = classes.get(route.model) if route.model else None
    if not fields:
        return route
    json = {name: example(name, kind) for name, kind in fields.items()}
    sure = all(kind in EXAMPLES and (SURE.fullmatch(name) or kind != "str") for name, kind in fields.items())
    return replace(route, json=json, sure=sure and not route.files and not route.form and not route.query)


def _probe(start: Optional[Start], near: Mapping[str, Source], routes: Sequence[Tuple[str, Route]]) -> Probe:
    """Choose what is asked until the service is ready."""
    gets = [
        (file, route)
        for file, route in routes
        if route.method == "GET" and "{" not in route.path and "<" not in route.path
    ]
    known = sorted(
        (READY.index(_end(route.path)), file, route.line, route.path)
        for file, route in gets
        if _end(route.path) in READY
    )
    if known:
        return Probe(known[0][3], f"{known[0][1]}:{known[0][2]}")
    used = {name for source in near.values() for name in source.frameworks}
    for names, paths in ((start.words if start else (), OF_PROGRAMS), (sorted(used), OF_FRAMEWORKS)):
        found = next((name for name in names if name in paths), "")
        if found:
            return Probe(paths[found], f"as {found} has it")
    if "fastapi" in used and not any("openapi_url" in source.texts for source in near.values()):
        return Probe("/openapi.json", "as FastAPI has it")
    plain = [(file, route) for file, route in gets if not route.query]
    best = next((each for each in plain if each[1].path == "/"), plain[0] if plain else None)
    return Probe(best[1].path, f"{best[0]}:{best[1].line}") if best else Probe("", "no path was found", known=False)


def _end(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2].lower()


def _call(routes: Sequence[Tuple[str, Route]]) -> Optional[Call]:
    """Choose the request that most likely makes the service work: a POST, best one whose body is known."""
    posts = [
        (file, route)
        for file, route in routes
        if route.method == "POST" and "{" not in route.path and "<" not in route.path
    ]
    asked = [(file, route) for file, route in routes if route.method == "GET" and route.sure and "{" not in route.path]
    ranked = sorted(
        [*posts, *asked],
        key=lambda each: (each[1].method != "POST", *_aside(each[1].path), not each[1].sure, not each[1].json),
    )
    return next((Call(route, f"{file}:{route.line}") for file, route in ranked), None)


def _gradio(near: Mapping[str, Source]) -> Optional[Tuple[str, bool, str]]:
    """Choose the function of Gradio that most likely makes the service work: one that takes a text, or by its name."""
    found = [
        (name, is_text, file)
        for file, source in near.items()
        for name, is_text in source.api_names
        if PLAIN_NAME.fullmatch(name)
    ]
    return min(found, key=lambda each: (not each[1], not re.search(f"{WORKS.pattern}|gen", each[0])), default=None)


def _aside(path: str) -> Tuple[bool, bool]:
    """Rank what infers by its name before all others, and what only administers after them."""
    return bool(re.search("login|auth|admin|dev/|debug|reset|reload|unload|config", path)), not WORKS.search(path)


def _known_call(start: Optional[Start]) -> Optional[Call]:
    """Return the request of a service that is a package alone."""
    program = next((word for word in (start.words if start else ()) if word in CALLS), "")
    return Call(CALLS[program], f"as {program} has it") if program else None


def _requirements(texts: Mapping[str, str], start: Optional[Start]) -> str:
    """Choose the file of the service's packages: the one its image installs, or that lies beside its script."""
    steps = [step for file in ("Dockerfile", "docker/Dockerfile") for step in dockerfile(texts.get(file, ""))]
    installed = [name for step in steps if step.name == "RUN" for name in re.findall(r"-r\s*(\S+\.txt)", step.text)]
    folder = PurePosixPath(start.directory) / PurePosixPath(start.script).parent if start else PurePosixPath(".")
    beside = [str(parent / "requirements.txt") for parent in (folder, *folder.parents)]
    plain = [name.replace("./", "") if name.startswith("./") else name for name in installed]
    return next((name for name in [*plain, *beside, *REQUIREMENTS] if name in texts), "")


def _packages(texts: Mapping[str, str], requirements: str, start: Optional[Start], itself: str) -> List[str]:
    """List the requirement lines that the service needs beside the files that are there; none where those are enough.

    The project itself is one where its own program, or a module below src/, starts the service.
    """
    pyproject = texts.get("pyproject.toml", "")
    is_package = "[build-system]" in pyproject or "setup.py" in texts or "setup.cfg" in texts
    if start and is_package and _is_own(texts, start):
        return [itself, *([f"-r {requirements}"] if requirements else [])]
    if requirements:
        return []
    return [itself] if is_package and dependencies(pyproject) else dependencies(pyproject)


def _is_own(texts: Mapping[str, str], start: Start) -> bool:
    """Tell whether a command is there only when the project itself is installed."""
    if start.words[:2] == ("python", "-m"):
        return start.script.startswith("src/")
    package = start.words[0].replace("-", "_")
    programs = [name for name, _, _ in starts.entry_points(texts.get("pyproject.toml", ""))]
    is_there = any(f"{base}{package}/__init__.py" in texts for base in ("", "src/"))
    return start.words[0] in programs or is_there


def dependencies(pyproject: str) -> List[str]:
    """List the dependencies that a pyproject.toml names, as requirement lines; by lines, without a TOML parser.

    >>> dependencies('[project]\\ndependencies = ["flask>=2", "numpy"]\\n')
    ['flask>=2', 'numpy']
    """
    given = re.search(
        r"""(?m)^dependencies\s*=\s*\[((?:\s*(?:"[^"\n]*"|'[^'\n]*'|#[^\n]*|,))*)\s*\]""",
        _section(pyproject, "project"),
    )
    if given:
        return [
            text or other
            for text, other in re.findall(r"""(?m)#.*$|"([^"\n]+)"|'([^'\n]+)'""", given[1])
            if text or other
        ]
    names = re.findall(r"(?m)^([\w.-]+)\s*=", _section(pyproject, "tool.poetry.dependencies"))
    return [name for name in names if name != "python"]


def _extra(pyproject: str, near: Mapping[str, Source]) -> str:
    """Name the extra that brings what serves, as "[webui]", where the dependencies themselves do not."""
    used = {name for source in near.values() for name in source.frameworks} - {"http.server"}
    missing = {name for name in used if not any(line.lower().startswith(name) for line in dependencies(pyproject))}
    names = "|".join(sorted(missing))
    extra = ""
    for line in _section(pyproject, "project.optional-dependencies").splitlines() if missing else ():
        key = re.match(r"([\w-]+)\s*=\s*\[", line)
        extra = key[1] if key else extra
        if re.search(rf"[\"']({names})\b", line):
            return f"[{extra}]"
    return ""


def _section(pyproject: str, name: str) -> str:
    """Return the lines below a header of a pyproject.toml, up to the next."""
    match = re.search(rf"(?m)^\[{re.escape(name)}\][ \t]*(?:#.*)?$", pyproject)
    rest = pyproject[match.end() :] if match else ""
    return re.split(r"(?m)^\[", rest, maxsplit=1)[0]


def _value(pyproject: str, key: str) -> str:
    match = re.search(rf"""(?m)^{re.escape(key)}\s*=\s*["']([^"'\n]+)["']""", pyproject)
    return match[1] if match else ""


def _python(texts: Mapping[str, str], requires: str) -> str:
    """Find the Python that the project is run by: that of its image, of .python-version, the oldest it allows."""
    images = re.search(r"(?mi)^FROM\s+\S*python:(3\.\d+)", texts.get("Dockerfile", ""))
    pinned = re.match(r"(3\.\d+)", texts.get(".python-version", ""))
    least = re.search(r"(?:>=|\^|~|==)\s*(3\.\d+)", requires)
    return next((found[1] for found in (images, pinned, least) if found), "")


def _weights(sources: Mapping[str, Source]) -> Iterator[Tuple[str, str]]:
    seen: Dict[str, None] = {}
    for file, source in sources.items():
        for what, line in source.weights:
            if what not in seen:
                seen[what] = None
                yield what, f"{file}:{line}"


def _tests(sources: Mapping[str, Source]) -> Optional[Tests]:
    """Find tests that ask a running service: by a variable with its address, or by an address on this machine."""
    tests = {file: source for file, source in sources.items() if _is_test(file) and not SHOWN.search(file)}
    used = {file: _with_helpers(source, sources) for file, source in tests.items()}
    asking = [file for file in tests if any(map(_address, used[file])) or _asks_here(used[file])]
    if not asking:
        return None
    folder = _common(asking)
    if folder == "." and all("/" in file for file in asking):  # one of several places: that with most of them
        tops = [file.partition("/")[0] for file in asking]
        top = max(sorted(set(tops)), key=tops.count)
        asking = [file for file in asking if file.startswith(f"{top}/")]
        folder = _common(asking)
    below = [file for file in tests if folder == "." or file.startswith(f"{folder}/")]
    all_ask = any(file.endswith("conftest.py") for file in asking) or set(below) == set(asking)
    variable = next(filter(None, (_address(each) for file in asking for each in used[file])), "")
    ports = [port for file in asking for each in used[file] for port in each.addresses]
    taken = sorted({name for file in below for each in used[file] for name in each.imports})
    takes_folder = all_ask or len(asking) > MOST_PATHS
    return Tests(
        paths=(folder,) if takes_folder else tuple(asking),
        folder=folder,
        variable=variable,
        port=0 if variable else ports[0],
        has_conftest=f"{folder}/conftest.py" in tests,
        imports=tuple(name for name in taken if name in ASKS or name in OF_TESTS or name in DISTRIBUTIONS),
        left_out=() if takes_folder else tuple(file for file in below if file not in asking),
    )


def _with_helpers(test: Source, sources: Mapping[str, Source]) -> Sequence[Source]:
    """A test with what it imports of folders of tests: the address may be there, with what asks."""
    return [test, *(each for each in family(test, sources) if each is not test and OF_A_SUITE.search(each.file))]


def _asks_here(used: Sequence[Source]) -> bool:
    """Tell whether a test names an address on this machine, and asks something."""
    asks = any(source.imports & ASKS or "urllib" in source.imports for source in used)
    return asks and any(source.addresses for source in used)


def _is_test(file: str) -> bool:
    name = PurePosixPath(file).name
    return bool(re.fullmatch(r"(test_\w+|\w+_test|conftest)\.py", name))


def _address(source: Source) -> str:
    """Name the variable from which a test reads the service's address."""
    read = [name for name, _ in source.variables if PLAIN_NAME.fullmatch(name)]
    return next(
        (name for name in ADDRESSES if name in read), next((name for name in read if name.endswith("_URL")), "")
    )


def _common(files: Sequence[str]) -> str:
    """Return the deepest folder that holds all files; "." for that of the project."""
    parts = [PurePosixPath(file).parent.parts for file in files]
    same = list(itertools.takewhile(lambda each: len(set(each)) == 1, zip(*parts)))
    return "/".join(each[0] for each in same) or "."
