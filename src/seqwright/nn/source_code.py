"""The source text of definitions together with all they stand on, so that a file of them needs nothing of Seqwright."""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable
from types import ModuleType
from typing import Any

OURS = "seqwright."
DROPPED = ("initial", "step")  # methods for decoding step by step, which a stand-alone file has no use for


def gathered(roots: Iterable[Any], given: dict[str, str]) -> tuple[list[str], list[str]]:
    """The import lines and the definitions, each after those it uses, of some classes and functions.

    Args:
        roots: classes and functions of Seqwright.
        given: names with a text of their own, taken instead of what Seqwright defines under that name.
    """
    imports: set[str] = set()
    definitions: dict[str, str] = {}

    def add(name: str, value: Any, place: ModuleType) -> None:
        if name in definitions:
            return
        if name in given:
            text, place = given[name], sys.modules[__name__]
        elif isinstance(value, ModuleType) or not _ours(value, name, place):
            imports.add(_import(name, value))
            return
        elif inspect.isclass(value) or inspect.isfunction(value):
            text, place = _text(value), sys.modules[value.__module__]
        else:
            text = f"{name} = {value!r}" if isinstance(value, str | int | float) else f"{name} = {value}"
            text = text.replace("torch.Tensor", "Tensor")
        definitions[name] = ""  # a function may call itself
        for used in _names(text):
            if used in given or hasattr(place, used):
                add(used, getattr(place, used, None), place)
        definitions[name] = definitions.pop(name) or text  # after what it uses

    for root in roots:
        add(root.__name__, root, sys.modules[root.__module__])
    return sorted(imports, key=_rank), list(definitions.values())


def needed_imports(text: str) -> list[str]:
    """The import lines of a text that uses torch's usual names and dataclasses."""
    usual = {"torch": "import torch", "nn": "from torch import nn", "Tensor": "from torch import Tensor"}
    usual |= {"F": "import torch.nn.functional as F", "dataclass": "from dataclasses import dataclass"}
    return [usual[name] for name in _names(text) if name in usual]


def joined_imports(lines: Iterable[str]) -> str:
    """Import lines without repetition, in the usual order: the standard library, then torch."""
    plain, named = set(), dict[str, set[str]]()
    for line in lines:
        if line.startswith("import "):
            plain.add(line)
        else:
            _, module, _, name = line.split()
            named.setdefault(module, set()).add(name)
    every = [*sorted(plain), *(f"from {module} import {', '.join(sorted(names))}" for module, names in named.items())]
    sections = ([e for e in every if (_rank(e)[0] == k)] for k in (0, 1))
    return "\n\n".join("\n".join(sorted(section, key=_rank)) for section in sections if section)


def _rank(line: str) -> tuple[int, bool, str]:
    module = line.split()[1]
    return int(module.split(".")[0] == "torch"), line.startswith("from"), module


def _ours(value: Any, name: str, place: ModuleType) -> bool:
    """Whether a name of a module is defined in Seqwright; a constant or an alias counts as ours."""
    if inspect.isclass(value) or inspect.isfunction(value):
        return value.__module__.startswith(OURS)
    return place.__name__.startswith(OURS) and getattr(value, "__module__", OURS).split(".")[0] not in (
        "typing",
        "torch",
    )


def _import(name: str, value: Any) -> str:
    if isinstance(value, ModuleType):
        parent, _, last = value.__name__.rpartition(".")
        if not parent:
            return f"import {name}"
        return f"from {parent} import {name}" if last == name else f"import {value.__name__} as {name}"
    return f"from {value.__module__} import {name}"


def _text(value: Any) -> str:
    """The source of a class or function, without the methods that are dropped and without remarks to our tools."""
    lines = textwrap.dedent(inspect.getsource(value)).rstrip().split("\n")
    (tree,) = ast.parse("\n".join(lines)).body
    if isinstance(tree, ast.ClassDef):
        for method in reversed(tree.body):
            if isinstance(method, ast.FunctionDef) and method.name in DROPPED:
                assert method.end_lineno is not None
                del lines[method.lineno - 1 : method.end_lineno]
    text = re.sub(r"  # (pyright|noqa).*", "", "\n".join(lines)).rstrip()
    for base in value.__bases__ if inspect.isclass(value) else ():
        if base.__module__.startswith(OURS) and not _methods(base):
            text = text.replace(f"({base.__name__})", f"(nn.{base.__bases__[0].__name__})", 1)
    text = text.replace("SpaceError(", "ValueError(")
    return re.sub(r"\n{3,}", "\n\n", text)


def _methods(cls: type) -> set[str]:
    return {name for name, value in vars(cls).items() if inspect.isfunction(value)} - set(DROPPED)


def _names(text: str) -> list[str]:
    """The names a text reads and does not set itself, in order."""
    nodes = list(ast.walk(ast.parse(text)))
    own = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    own |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    return [name for name in dict.fromkeys(n.id for n in nodes if isinstance(n, ast.Name)) if name not in own]
