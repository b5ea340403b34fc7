"""What a Python source answers over HTTP: its routes with what a request must hold, the functions of Gradio."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from .syntax import Function, constants, dotted, index, keyword, last, text_of

MANY = re.compile("texts|sentences|inputs|queries|documents|prompts")
EXAMPLES: Mapping[str, Any] = {"str": "hello", "int": 1, "float": 1.0, "bool": True, "list": ["hello"]}
SURE = re.compile(r"text|texts|prompt|input|inputs|query|question|message|sentence|sentences|content|q")
VERBS = {"get", "post", "put", "patch", "delete", "head"}


@dataclass(frozen=True)
class Route:
    """One address of the service: `router` is the variable it hangs on; fields are what a request must hold.

    `sure` tells that every field is known and may have any text, so that an example is likely to be accepted.
    """

    method: str
    path: str
    line: int
    router: str = ""
    json: Optional[Mapping[str, Any]] = None
    form: Tuple[str, ...] = ()
    files: Tuple[str, ...] = ()
    query: Tuple[str, ...] = ()
    model: str = ""  # the class of its body, defined perhaps elsewhere
    sure: bool = False


def routes(nodes: List[ast.AST]) -> Iterator[Route]:
    """List the addresses that a source answers, as frameworks and the standard library say them."""
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _decorated(node)
            if node.name in ("do_GET", "do_POST"):
                yield from _handled(node)
        if isinstance(node, ast.Call) and last(node.func) == "add_api_route":
            yield from _added(node, "path", nodes)
        if isinstance(node, ast.Call) and last(node.func) in ("add_url_rule", "Route", "path", "re_path"):
            yield from _added(node, "methods", nodes)
        if (
            (
                isinstance(node, ast.Call)
                and re.fullmatch("add_(get|post)|get|post", last(node.func))
                and len(node.args) > 1
            )
            and dotted(node.func).split(".")[0] in ("web", "app", "router")
            and _starts(constants(node)[:1])
        ):
            yield _route(last(node.func).replace("add_", ""), constants(node)[0], node.lineno, "", None)


def _starts(values: List[Any]) -> bool:
    return bool(values) and isinstance(values[0], str) and values[0].startswith("/")


def _decorated(function: Function) -> Iterator[Route]:
    for call in function.decorator_list:
        name = last(call.func) if isinstance(call, ast.Call) else ""
        if not isinstance(call, ast.Call) or name not in {*VERBS, "route", "api_route"}:
            continue
        path = next(iter(constants(call)), None) or keyword(call, "path") or keyword(call, "rule")
        path = "/" if path == "" else path
        if isinstance(path, str) and path.startswith("/"):
            for method in [name] if name in VERBS else _methods(call):
                yield _route(method, path, call.lineno, dotted(call.func).rpartition(".")[0], function)


def _methods(call: ast.Call) -> List[str]:
    given = next((keyword.value for keyword in call.keywords if keyword.arg == "methods"), None)
    found = [part.value for part in ast.walk(given) if isinstance(part, ast.Constant)] if given else []
    return [text for text in found if isinstance(text, str)] or ["GET"]


def _added(call: ast.Call, keyword: str, nodes: List[ast.AST]) -> Iterator[Route]:
    """Read Django's `path("health/", view)`, Starlette's Route, Flask's add_url_rule."""
    words = constants(call)
    names = [dotted(node) for node in call.args[1:]] + [dotted(keyword.value) for keyword in call.keywords]
    if not words or not isinstance(words[0], str) or not any(names) or re.search(r"[<^(\\]", words[0]):
        return
    path = words[0] if words[0].startswith("/") else f"/{words[0]}"
    for method in _methods(call):
        views = (
            node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in names
        )
        yield _route(method, path, call.lineno, "", next(views, None))


def _handled(function: Function) -> Iterator[Route]:
    """Read the paths that a handler of http.server compares with."""
    paths = [
        part.value
        for node in ast.walk(function)
        if isinstance(node, ast.Compare) and any("path" in dotted(side) for side in ast.walk(node))
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.startswith("/")
    ]
    for path in dict.fromkeys(paths or ["/"]):
        yield _route(function.name[3:], path, function.lineno, "", function)


def _route(method: str, path: str, line: int, router: str, function: Optional[Function]) -> Route:
    found = _Body()
    if function is not None:
        found.parameters(function, path)
        found.reads(function)
    json = {name: example(name) for name in found.json} or None
    sure = bool(found.json or found.query) and not found.files and not found.form and not found.model
    sure = sure and all(SURE.fullmatch(name) for name in [*found.json, *found.query])
    return Route(
        method.upper(),
        path,
        line,
        router,
        json,
        tuple(found.form),
        tuple(found.files),
        tuple(found.query),
        found.model,
        sure,
    )


def example(name: str, kind: str = "") -> Any:
    """Make up a value for a field, by its name and type.

    >>> example("texts"), example("speed", "float"), example("voice")
    (['hello'], 1.0, 'hello')
    """
    return EXAMPLES.get(kind, ["hello"] if MANY.fullmatch(name) and not kind else "hello")


class _Body:
    """Gathers what a handler takes from a request."""

    def __init__(self) -> None:
        self.json: Dict[str, None] = {}
        self.form: Dict[str, None] = {}
        self.files: Dict[str, None] = {}
        self.query: Dict[str, None] = {}
        self.model = ""

    def parameters(self, function: Function, path: str) -> None:
        """Read the parameters as FastAPI does."""
        arguments = function.args.args
        defaults: List[Optional[ast.expr]] = [None] * (len(arguments) - len(function.args.defaults))
        for argument, default in zip(arguments, [*defaults, *function.args.defaults]):
            kinds = {dotted(part) for node in (argument.annotation, default) if node for part in ast.walk(node)}
            if f"{{{argument.arg}" in path or argument.annotation is None:
                continue
            if kinds & {"UploadFile", "File", "fastapi.UploadFile", "fastapi.File"}:
                self.files[argument.arg] = None
            elif kinds & {"Form", "fastapi.Form"}:
                if _is_open(default):
                    self.form[argument.arg] = None
            elif default is None and isinstance(argument.annotation, ast.Name):
                if argument.annotation.id in EXAMPLES:
                    self.query[argument.arg] = None
                elif not re.fullmatch("Request|Response|WebSocket|BackgroundTasks", argument.annotation.id):
                    self.model = argument.annotation.id

    def reads(self, function: Function) -> None:
        """Read what Flask, aiohttp and http.server handlers take out of the request."""
        parsed = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and self._is_parsed(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            value, key = None, None
            if isinstance(node, ast.Subscript):
                value, key = node.value, index(node)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
                value, key = node.func.value, next(iter(constants(node)), None)
            if value is None or not isinstance(key, str):
                continue
            if last(value) in ("files", "FILES"):
                self.files[key] = None
            elif last(value) in ("form", "POST"):
                self.form[key] = None
            elif dotted(value) in ("request.args", "request.query", "request.GET"):
                self.query[key] = None
            elif (isinstance(value, ast.Name) and value.id in parsed) or self._is_parsed(value):
                self.json[key] = None

    @staticmethod
    def _is_parsed(node: ast.AST) -> bool:
        """Tell whether an expression is the JSON of a request."""
        names = {dotted(part) for part in ast.walk(node) if isinstance(part, (ast.Attribute, ast.Name))}
        return any(re.fullmatch(r"(\w+\.)*(request|req)\.(json|get_json)|json\.loads?", name) for name in names)


def fields(node: ast.ClassDef) -> Dict[str, str]:
    """List the fields of a model that a request must give, with their types."""
    required = {}
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_required(field):
            kinds = [part.id for part in ast.walk(field.annotation) if isinstance(part, ast.Name)]
            required[field.target.id] = (kinds or [""])[0].replace("List", "list")
    return required


def _is_required(field: ast.AnnAssign) -> bool:
    return field.value is None or (
        isinstance(field.value, ast.Call) and last(field.value.func) == "Field" and _is_open(field.value)
    )


def _is_open(given: Optional[ast.expr]) -> bool:
    """Tell whether `Field(...)`, `Form(...)` or their like leave a value to the request."""
    if not isinstance(given, ast.Call):
        return given is None
    first = given.args[0] if given.args else None
    named = {keyword.arg for keyword in given.keywords}
    is_open = first is None and not named & {"default", "default_factory"}
    return is_open or (isinstance(first, ast.Constant) and first.value is Ellipsis)


def api_names(calls: List[ast.Call]) -> Iterator[Tuple[str, bool]]:
    """List the names by which Gradio's functions are called over HTTP, and whether each takes one text alone."""
    for call in calls:
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        is_interface = last(call.func) == "Interface"
        inputs = given.get("inputs") or (call.args[1] if is_interface and len(call.args) > 1 else None)
        one = inputs.elts[0] if isinstance(inputs, ast.List) and len(inputs.elts) == 1 else inputs
        text = isinstance(one, ast.Constant) and one.value in ("text", "textbox")
        is_text = text or (isinstance(one, ast.Call) and last(one.func) == "Textbox")
        name = text_of(call, "api_name") or (
            _gradio_default(call, given) if is_interface or last(call.func) == "click" else ""
        )
        if name:
            yield name.strip("/"), is_text


def _gradio_default(call: ast.Call, given: Mapping[Optional[str], ast.expr]) -> str:
    """Return the name that an Interface has by itself, that of its function; before Gradio 6 it was "predict"."""
    return dotted(given.get("fn") or (call.args[0] if call.args else ast.Name("predict"))) or "predict"
