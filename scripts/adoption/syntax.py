"""Read names, constants and arguments off the syntax tree of a Python source."""

from __future__ import annotations

import ast
from typing import Any, List, Union

Function = Union[ast.FunctionDef, ast.AsyncFunctionDef]


def dotted(node: ast.AST) -> str:
    """Write a name as it stands there: `health.router`; "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else node.attr
    return ""


def last(node: ast.AST) -> str:
    """Return the last part of a dotted name."""
    return dotted(node).rpartition(".")[2]


def keyword(call: ast.Call, name: str) -> Any:
    """Return the value of a keyword that is a constant; else None."""
    value = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    return value.value if isinstance(value, ast.Constant) else None


def text_of(call: ast.Call, name: str) -> str:
    """Return the value of a keyword that is a text; else ""."""
    value = keyword(call, name)
    return value if isinstance(value, str) else ""


def constants(call: ast.Call) -> List[Any]:
    """List the positional arguments that are constants."""
    return [node.value for node in call.args if isinstance(node, ast.Constant)]


def index(node: ast.Subscript) -> Any:
    """Return what stands in the brackets: the value of a constant, else its node."""
    inner = getattr(node.slice, "value", node.slice)  # Python 3.8 wraps it in ast.Index
    return inner.value if isinstance(inner, ast.Constant) else inner
