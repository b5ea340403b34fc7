"""What one Python source says about a service: frameworks, port, options, variables, weights; by ast alone."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from .routes import Route, api_names, fields, routes
from .syntax import Function, constants, dotted, index, keyword, last, text_of

# What serves over HTTP, by the name it is imported by, and the port that it takes where none is said.
FRAMEWORKS = {
    "fastapi": 8000, "starlette": 8000, "quart": 5000, "litestar": 8000, "sanic": 8000, "flask": 5000, "bottle": 8080,
    "gradio": 7860, "streamlit": 8501, "aiohttp": 8080, "tornado": 8888, "uvicorn": 8000, "http.server": 8000,
    "litserve": 8000, "bentoml": 3000, "waitress": 8080, "hypercorn": 8000, "chainlit": 8000,
}  # fmt: skip
APPS = {"FastAPI": "asgi", "Starlette": "asgi", "Quart": "asgi", "Litestar": "asgi", "Flask": "flask"}
LONGEST_URL = 2000  # characters; the search takes time that grows with their square
FACTORY = re.compile("(create|make|get|build)_(app|application|server)|app_factory")
WEIGHT_CALLS = {"hf_hub_download", "snapshot_download", "SentenceTransformer", "WhisperModel", "CrossEncoder"}
WEIGHTS_URL = re.compile(
    r"https?://\S+\.(?:onnx|safetensors|gguf|ggml|pth|pt|ckpt|bin|tflite|h5|npz|tar\.gz|zip)(?:[?#]\S*)?"
)


class Argument(NamedTuple):
    """Where a script finds its port among the words of its command line, from 1; 0: nowhere."""

    port: int
    host: int


@dataclass(frozen=True)
class Source:
    """What a Python file says. Names of variables map to what they are; lines count from 1."""

    file: str
    frameworks: FrozenSet[str] = frozenset()
    imports: FrozenSet[str] = frozenset()  # first parts of absolute imports
    local: FrozenSet[str] = frozenset()  # dotted names of all imports
    aliases: Mapping[str, Tuple[str, str]] = ()  # type: ignore[assignment]  # name: (module, its name there)
    apps: Mapping[str, str] = ()  # type: ignore[assignment]  # name: asgi or flask, or "asgi factory"
    prefixes: Mapping[str, str] = ()  # type: ignore[assignment]  # router: prefix
    includes: Tuple[Tuple[str, str], ...] = ()  # (router as written, prefix)
    routes: Tuple[Route, ...] = ()
    classes: Mapping[str, Mapping[str, str]] = ()  # type: ignore[assignment]  # model: required field: type
    options: Tuple[str, ...] = ()  # of the command line, as "--port"
    variables: Tuple[Tuple[str, int], ...] = ()  # of the environment, with the line
    argument: Argument = Argument(0, 0)
    port: int = 0  # written in a call that serves
    calls: FrozenSet[str] = frozenset()  # last names of what is called
    serves: int = 0  # line of the call that serves
    is_script: bool = False  # does something when it is run: a main block, or a call at its top
    plain_main: bool = True  # that main block only serves
    api_names: Tuple[Tuple[str, bool], ...] = ()  # of Gradio's functions; and whether each takes one text
    weights: Tuple[Tuple[str, int], ...] = ()
    addresses: Tuple[int, ...] = ()  # ports of this machine that it asks
    texts: FrozenSet[str] = frozenset()  # short constants


def read(file: str, text: str) -> Optional[Source]:
    """Look through a source; None where it is no Python that this version understands."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        nodes = list(ast.walk(tree))
        return _source(file, tree, nodes)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _source(file: str, tree: ast.Module, nodes: List[ast.AST]) -> Source:
    modules, aliases = _imports(nodes)
    main = next((node for node in tree.body if isinstance(node, ast.If) and _is_main(node)), None)
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    port, line = _served(calls, modules)
    texts = [
        (each.value, each.lineno) for each in nodes if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    return Source(
        file=file,
        frameworks=frozenset(
            name for name in FRAMEWORKS if name in modules or name in {m.split(".")[0] for m in modules}
        ),
        imports=frozenset(name.split(".")[0] for name in modules if not name.startswith(".")),
        local=frozenset(modules),
        aliases=aliases,
        apps={**_factories(tree.body, modules), **_apps(tree.body)},
        prefixes={name: text_of(call, "prefix") or text_of(call, "url_prefix") for name, call in _assigned(tree.body)},
        includes=tuple(
            (dotted(call.args[0]), text_of(call, "prefix") or text_of(call, "url_prefix"))
            for call in calls
            if last(call.func) in ("include_router", "register_blueprint") and call.args
        ),
        routes=tuple(routes(nodes)),
        classes={node.name: fields(node) for node in nodes if isinstance(node, ast.ClassDef)},
        options=tuple(dict.fromkeys(_options(nodes))),
        variables=tuple(dict(_variables(nodes)).items()),
        argument=_argument(nodes),
        port=port,
        calls=frozenset(last(call.func) for call in calls),
        serves=line,
        is_script=main is not None or any(_is_call(node) for node in tree.body),
        plain_main=main is None or all(_serves(statement) for statement in main.body),
        api_names=tuple(api_names(calls)) if "gradio" in {m.split(".")[0] for m in modules} else (),
        weights=tuple(dict([*_weights(calls), *_urls(texts)]).items()),
        addresses=tuple(dict.fromkeys(_addresses(text for text, _ in texts))),
        texts=frozenset(text for text, _ in texts if len(text) < 100),
    )


def _imports(nodes: List[ast.AST]) -> Tuple[List[str], Dict[str, Tuple[str, str]]]:
    modules: List[str] = []
    aliases: Dict[str, Tuple[str, str]] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            modules += [
                module,
                *(f"{module.rstrip('.')}.{alias.name}" if node.module else alias.name for alias in node.names),
            ]
            aliases.update({alias.asname or alias.name: (module, alias.name) for alias in node.names})
    return modules, aliases


def _assigned(body: List[ast.stmt]) -> Iterator[Tuple[str, ast.Call]]:
    """Pair each variable of a module with the call that made it."""
    for node in body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((target.id, node.value) for target in targets if isinstance(target, ast.Name))


def _is_main(node: ast.If) -> bool:
    return "__name__" in {dotted(part) for part in ast.walk(node.test)}


def _is_call(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def _apps(body: List[ast.stmt]) -> Dict[str, str]:
    return {name: APPS[last(call.func)] for name, call in _assigned(body) if last(call.func) in APPS}


def _factories(body: List[ast.stmt], modules: List[str]) -> Dict[str, str]:
    """List the functions that make an application and need nothing for it."""
    kind = "asgi" if {"fastapi", "starlette"} & set(modules) else "flask" if "flask" in modules else ""
    functions = (node for node in body if isinstance(node, ast.FunctionDef) and FACTORY.fullmatch(node.name))
    plain = [node.name for node in functions if len(node.args.args) == len(node.args.defaults)]
    return dict.fromkeys(plain, f"{kind} factory") if kind else {}


# How it serves ------------------------------------------------------------------------------------


def _served(calls: List[ast.Call], modules: List[str]) -> Tuple[int, int]:
    """Find the call that serves: its port where that is written, and its line; 0 where there is none."""
    for call in calls:
        if last(call.func) in ("HTTPServer", "ThreadingHTTPServer", "TCPServer", "make_server", "WSGIServer"):
            return next(filter(None, map(_port, ast.walk(call))), 0), call.lineno
        if last(call.func) in ("run", "run_app", "launch", "serve", "listen", "run_simple"):
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            value = given.get("port") or given.get("server_port")
            if value is not None and _port(value):
                return _port(value), call.lineno
            if value is not None or last(call.func) in ("launch", "run_app") or "flask" in modules:
                return 0, call.lineno
            if dotted(call.func) in ("uvicorn.run", "app.run", "waitress.serve", "server.run"):
                return 0, call.lineno
    return 0, 0


def _port(node: ast.AST) -> int:
    """Return the port that is written there, else 0."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536 else 0


def _serves(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return True
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and last(statement.value.func) == "run"
    )


def _options(nodes: List[ast.AST]) -> Iterator[str]:
    """List the options of argparse, click, typer and absl."""
    functions = {node.name: node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    for node in nodes:
        if isinstance(node, ast.Call) and last(node.func) in ("add_argument", "option", "Option"):
            yield from (text for text in constants(node) if isinstance(text, str) and re.match(r"--?\w", text))
        if isinstance(node, ast.Call) and re.fullmatch(r"DEFINE_\w+", last(node.func)) and node.args:
            yield from (f"--{text}" for text in constants(node)[:1] if isinstance(text, str))
        if isinstance(node, ast.Call) and dotted(node.func) in ("typer.run", "fire.Fire", "Fire") and node.args:
            yield from _parameters(functions.get(dotted(node.args[0])), dotted(node.func) == "typer.run")
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_command(node):
            yield from _parameters(node, True)


def _is_command(function: Function) -> bool:
    """Tell whether a function is a command of typer, whose parameters are its options."""
    decorators = [node.func for node in function.decorator_list if isinstance(node, ast.Call)]
    return any(last(node) == "command" and "click" not in dotted(node) for node in decorators)


def _parameters(function: Optional[Function], dashes: bool) -> Iterator[str]:
    """List the options that typer and fire make of a function's optional parameters."""
    if function is not None:
        given = function.args
        optional = given.args[len(given.args) - len(given.defaults) :] + given.kwonlyargs
        yield from ("--" + (each.arg.replace("_", "-") if dashes else each.arg) for each in optional)


def _variables(nodes: List[ast.AST]) -> Iterator[Tuple[str, int]]:
    """List the variables of the environment that are read, with their lines."""
    for node in nodes:
        if isinstance(node, ast.Call) and dotted(node.func) in (
            "os.environ.get",
            "os.getenv",
            "environ.get",
            "getenv",
        ):
            yield from ((text, node.lineno) for text in constants(node)[:1] if isinstance(text, str))
        if isinstance(node, ast.Subscript) and dotted(node.value) in ("os.environ", "environ"):
            yield from ((text, node.lineno) for text in [index(node)] if isinstance(text, str))


def _argument(nodes: List[ast.AST]) -> Argument:
    """Find `int(sys.argv[N])`, and beside it what may be the host."""
    taken = [node for node in nodes if isinstance(node, ast.Subscript) and dotted(node.value) in ("sys.argv", "argv")]
    places = {place for place in map(index, taken) if isinstance(place, int) and place > 0}
    numbers = [node for node in nodes if isinstance(node, ast.Call) and dotted(node.func) == "int" and node.args]
    inside = [part for node in numbers for part in ast.walk(node.args[0]) if part in taken]
    ports = [place for place in (index(part) for part in inside if isinstance(part, ast.Subscript)) if place in places]
    if len(ports) != 1 or max(places) > 2:
        return Argument(0, 0)
    return Argument(ports[0], next(iter(places - {ports[0]}), 0))


# Weights and addresses ----------------------------------------------------------------------------


def _weights(calls: List[ast.Call]) -> Iterator[Tuple[str, int]]:
    """List what is fetched from Hugging Face, as ORG/NAME, with its line."""
    for call in calls:
        if last(call.func) in {"from_pretrained", "pipeline", *WEIGHT_CALLS}:
            names = [
                *constants(call)[:1],
                *(keyword(call, key) for key in ("repo_id", "model", "model_name_or_path")),
            ]
            for name in names:
                if isinstance(name, str) and re.fullmatch(r"[\w.-]+/[\w.-]+", name):
                    yield name, call.lineno


def _urls(texts: List[Tuple[Any, int]]) -> Iterator[Tuple[str, int]]:
    for text, line in texts:
        match = WEIGHTS_URL.search(text[:LONGEST_URL])
        if match:
            yield match[0], line


def _addresses(texts: Iterator[str]) -> Iterator[int]:
    for text in texts:
        match = re.match(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0):(\d{2,5})\b", text)
        if match and 0 < int(match[1]) < 65536:
            yield int(match[1])
