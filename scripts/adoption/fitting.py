"""Make a command take its host and port from us: by what its server is known to take, or its own source reads."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Iterator, Mapping, Sequence, Tuple

from ..settings.project import EDIT
from .code import FRAMEWORKS, Source
from .commands import HOST, HOST_VARIABLES, PORT, PORT_VARIABLES, VARIABLE, Start, shell
from .modules import family, module_of

PORT_OPTIONS = ("--port", "--server-port", "--server_port", "--server.port", "--http-port", "--http_port",
                "--listen-port", "--api-port", "--api_port", "--app-port", "--web-port", "-p", "-P")  # fmt: skip
HOST_OPTIONS = (
    "--host", "--server-name", "--server_name", "--server.address", "--address", "--listen-host", "--ip", "-ip",
    "--bind-host", "--api-host", "--api_host", "--listen", "-H",
)  # fmt: skip
BIND_OPTIONS = ("--bind", "-b")
UNWANTED = ("--reload", "--daemon", "--daemonize", "--share")  # a watcher, a service that leaves, a public tunnel
MODEL_OPTIONS = re.compile(r"--(models?|weights?|checkpoints?|ckpt)[-_](dir|directory|folder|root)")
TAKES = {  # what a server's command is given, by its program or the module of `python -m`
    "uvicorn": ("--host", HOST, "--port", PORT),
    "gunicorn": ("--bind", f"{HOST}:{PORT}"),
    "hypercorn": ("--bind", f"{HOST}:{PORT}"),
    "granian": ("--host", HOST, "--port", PORT),
    "daphne": ("-b", HOST, "-p", PORT),
    "waitress-serve": ("--host", HOST, "--port", PORT),
    "waitress": ("--host", HOST, "--port", PORT),
    "flask run": ("--host", HOST, "--port", PORT),
    "fastapi run": ("--host", HOST, "--port", PORT),
    "fastapi dev": ("--host", HOST, "--port", PORT),
    "streamlit run": ("--server.address", HOST, "--server.port", PORT, "--server.headless", "true"),
    "chainlit run": ("--host", HOST, "--port", PORT, "--headless"),
    "bentoml serve": ("--host", HOST, "--port", PORT),
    "vllm serve": ("--host", HOST, "--port", PORT),
    "vllm.entrypoints.openai.api_server": ("--host", HOST, "--port", PORT),
    "litellm": ("--host", HOST, "--port", PORT),
    "piper.http_server": ("--host", HOST, "--port", PORT),
    "rapidocr_api": ("-ip", HOST, "-p", PORT),
    "http.server": (PORT, "--bind", HOST),
    "manage.py runserver": (f"{HOST}:{PORT}", "--noreload"),
    "sanic": ("--host", HOST, "--port", PORT),
}
BY_HAND = 10  # the rank of a candidate that needs editing
ASIDE = re.compile(
    r"(^|/)(tests?|testing|examples?|docs?|scripts?|tools?|benchmarks?|demos?|notebooks?|client\w*|training)(/|$)"
)


def fit(start: Start, texts: Mapping[str, str], sources: Mapping[str, Source]) -> Start:
    """Make a command take its host and port from us, and say what could not be found out."""
    if start.words[:2] == ("sh", "-c"):
        return start if PORT in start.words[2] else replace(start, rank=start.rank - 30, todo="where does its port go?")
    start = _located(_inside(replace(start, words=_cleaned(start.words)), texts), sources)
    if start.script.endswith(".sh"):
        return start
    words = tuple(_given(start.words))
    source = sources.get(_path(start.directory, start.script)) if start.script else None
    if any(PORT in word for word in words):
        return replace(start, words=_hosted(words))
    server = next((name for name in TAKES if name == _server(words)), None)
    if server:
        return replace(start, words=(*words, *TAKES[server]), todo=_todo(words))
    if source:
        return _by_source(replace(start, words=words), source, sources)
    return _by_program(replace(start, words=words), texts)


def _inside(start: Start, texts: Mapping[str, str]) -> Start:
    """Look into a shell script: it reads its port from a variable, or its last command is the service."""
    words = start.words[1:] if start.words[:1] in (("sh",), ("bash",)) else start.words
    name = PurePosixPath(words[0]).as_posix() if words else ""
    if not name.endswith(".sh") or name not in texts:
        return start
    interpreter = "bash" if "bash" in texts[name].partition("\n")[0] else "sh"
    start = replace(start, words=(interpreter, name, *words[1:]))
    names = {match[1] or match[3] for match in VARIABLE.finditer(texts[name])}
    ports = {each: PORT for each in sorted(names) if PORT_VARIABLES.fullmatch(each)}
    if ports:
        hosts = {each: HOST for each in sorted(names) if HOST_VARIABLES.fullmatch(each)}
        return replace(start, environment={**start.environment, **hosts, **ports}, script=name)
    lines = re.sub(r"\\\n\s*", " ", texts[name]).splitlines()
    commands = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return next(shell(commands[-1], start.source, start.rank, {}), start) if commands else start


def _cleaned(words: Sequence[str]) -> Tuple[str, ...]:
    is_gunicorn = "gunicorn" in words[:3]
    return tuple(word for word in words if word not in UNWANTED and not (is_gunicorn and word == "-D"))


def _path(directory: str, file: str) -> str:
    return str(PurePosixPath(directory) / file)


def _located(start: Start, sources: Mapping[str, Source]) -> Start:
    """Find the script or module that a command names; in the one folder that has it, where the root has not."""
    words = start.words
    script = next((word for word in words[1:] if word.endswith(".py")), "") if words[:1] == ("python",) else ""
    if words[:2] == ("python", "-m") and len(words) > 2:
        module = module_of(words[2], sources)
        script = module.file if module else ""
    target = next((word for word in words if re.fullmatch(r"[\w.]+:\w+(\(\))?", word)), "")
    module_name = target.partition(":")[0].replace(".", "/")
    wanted = script or (f"{module_name}.py" if target else "")
    if start.script or not wanted or wanted in sources or f"{module_name}/__init__.py" in sources:
        return replace(start, script=start.script or (wanted if wanted in sources else ""))
    below = [name for name in sources if name.endswith(f"/{wanted}") and not ASIDE.search(name)]
    if len(below) == 1 and wanted:
        return replace(start, directory=below[0][: -len(wanted) - 1], script=wanted)
    return replace(start, rank=start.rank - 60) if script and words[0] == "python" else start


def _given(words: Sequence[str]) -> Iterator[str]:
    """Put {host} and {port} in place of those that a command says."""
    previous = ""
    for word in words:
        option, equals, value = word.partition("=")
        if previous in BIND_OPTIONS and re.search(r":(\d+|\{port\})$", word):
            yield f"{HOST}:{PORT}"
        elif option in BIND_OPTIONS and equals and re.search(r":(\d+|\{port\})$", value):
            yield f"{option}={HOST}:{PORT}"
        elif previous in PORT_OPTIONS and word.isdigit():
            yield PORT
        elif option in PORT_OPTIONS and value.isdigit():
            yield f"{option}={PORT}"
        elif previous in HOST_OPTIONS and re.fullmatch(r"[\d.]+|localhost|::", word):
            yield HOST
        elif option in HOST_OPTIONS and re.fullmatch(r"[\d.]+|localhost|::", value):
            yield f"{option}={HOST}"
        elif re.fullmatch(r"(0\.0\.0\.0|127\.0\.0\.1|localhost|\[::\]):\d+", word):
            yield f"{HOST}:{PORT}"
        elif previous == "http.server" and word.isdigit():
            yield PORT
        elif previous == "runserver" and word.isdigit():
            yield f"{HOST}:{PORT}"
        else:
            yield word
        previous = word


def _hosted(words: Tuple[str, ...]) -> Tuple[str, ...]:
    """Keep a server that knows --host on this machine's own address, where only the port was said."""
    server = _server(words)
    if any(HOST in word for word in words) or HOST not in TAKES.get(server, ()):
        return (*words, "--noreload") if server == "manage.py runserver" and "--noreload" not in words else words
    taken = TAKES[server]
    return (*words, taken[taken.index(HOST) - 1], HOST)


def _server(words: Sequence[str]) -> str:
    """Name the server that a command starts, as a key of TAKES."""
    rest = list(words[2:] if words[:2] == ("python", "-m") else words[1:] if words[:1] == ("python",) else words)
    rest = [PurePosixPath(rest[0]).name, *rest[1:]] if rest else []
    if rest[:1] == ["flask"]:
        return "flask run"
    two = " ".join(rest[:2])
    return two if two in TAKES else "".join(rest[:1])


def _by_source(start: Start, source: Source, sources: Mapping[str, Source]) -> Start:
    """Fit the command of a script by what the script reads: options, arguments, variables; else by its app."""
    related = family(source, sources)
    options = [option for each in related for option in each.options]
    start = replace(start, models=next(filter(MODEL_OPTIONS.fullmatch, options), ""))
    port = next((option for option in options if option in PORT_OPTIONS), "")
    host = next((option for option in options if option in HOST_OPTIONS), "")
    if port:
        return replace(start, words=(*start.words, *((host, HOST) if host else ()), port, PORT))
    if source.argument.port:
        taken = {source.argument.port: PORT, source.argument.host: HOST}
        return replace(start, words=(*start.words, *(taken[place] for place in sorted(taken) if place)))
    variables = {name: PORT for each in related for name, _ in each.variables if PORT_VARIABLES.fullmatch(name)}
    if variables:  # a port beside it is its default
        hosts = {name: HOST for each in related for name, _ in each.variables if HOST_VARIABLES.fullmatch(name)}
        return replace(start, environment={**start.environment, **hosts, **variables})
    return _by_framework(_at_home(start, source, sources), source)


def _at_home(start: Start, source: Source, sources: Mapping[str, Source]) -> Start:
    """Start a script in its own folder, where it imports what lies beside it as if that were the root."""
    folder = str(PurePosixPath(source.file).parent)
    beside = [f"{name}{end}" for name in source.imports for end in (".py", "/__init__.py")]
    alone = any(f"{folder}/{name}" in sources and name not in sources for name in beside)
    if folder in (".", "src") or start.directory != "." or not alone or start.words != ("python", source.file):
        return start
    name = PurePosixPath(source.file).name
    return replace(start, directory=folder, script=name, words=("python", name))


def _by_framework(start: Start, source: Source) -> Start:
    """Fit a script that says its port itself: another server can take its app, Gradio reads a variable."""
    module = PurePosixPath(start.script).with_suffix("").as_posix().replace("/", ".")
    module = re.sub(r"\.__init__$", "", module)
    app = next(iter(sorted(source.apps, key=lambda name: "factory" in source.apps[name])), "")
    factory = ("--factory",) if app and "factory" in source.apps[app] else ()
    inside = ("--app-dir", "src") if module.startswith("src.") else ()
    module = module[4:] if inside else module
    if "gradio" in source.frameworks and not source.apps and not source.port:
        given = {"GRADIO_SERVER_NAME": HOST, "GRADIO_SERVER_PORT": PORT, "GRADIO_ANALYTICS_ENABLED": "False"}
        return replace(start, environment={**start.environment, **given})
    if "streamlit" in source.frameworks and not source.serves:
        return replace(start, words=("python", "-m", "streamlit", "run", *start.words[1:], *TAKES["streamlit run"]))
    if app and source.plain_main and "asgi" in source.apps[app]:
        words = ("python", "-m", "uvicorn", *inside, f"{module}:{app}", *factory, *TAKES["uvicorn"])
        return replace(start, words=words)
    if app and source.plain_main and "flask" in source.apps[app]:
        return replace(
            start,
            words=(
                "python",
                "-m",
                "flask",
                "--app",
                f"{module}:{app}" if factory or app != "app" else start.script,
                "run",
                *TAKES["flask run"],
            ),
        )
    if source.port or source.serves:
        names = [name for name in FRAMEWORKS if name in source.frameworks and name != "uvicorn"]
        return replace(start, port=source.port or FRAMEWORKS.get((names or ["uvicorn"])[0], 8000))
    return replace(start, rank=BY_HAND, todo="how is it told its port?")


def _by_program(start: Start, texts: Mapping[str, str]) -> Start:
    """Fit a program of which nothing is known: by PORT, which most read that run in containers."""
    if not start.words:
        return replace(start, words=(EDIT,), rank=0, todo="which command starts the service?")
    program = start.words[0]
    known = program in texts or program == "python" or program in ("sh", "bash", "node", "npm", "java", "go")
    given = {**start.environment, "HOST": HOST, "PORT": PORT}
    rank = start.rank - (25 if known else 60)
    return replace(start, environment=given, rank=rank, todo="does it read PORT? Else say here how it gets its port")


def _todo(words: Sequence[str]) -> str:
    return "which model? What is fetched beforehand goes below: prepare" if EDIT in words else ""
