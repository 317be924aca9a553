"""The shape of the code: budgets, names, docstrings and imports, with every exception and its reason in one table."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "driftline"

FILE_LINES, FILE_LINES_TYPICAL = 400, 250
FUNCTION_LINES, FUNCTION_LINES_TYPICAL = 50, 25
PARAMETERS = 8
TYPICAL_SHARE = 0.9
REFUSED = re.compile(
    "manager|service|helper|utils?|handler|factory|base|abstract|impl|wrapper|processor|dto|dao|info|common|misc"
)

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("refused word", "driftline.processor"): "the processor of the machine: which sort it runs well",
    ("refused word", "driftline.documents.statistics"): "`common` is SageMaker's own name of a member",
    ("refused word", "driftline.catalog.columns"): "`impl` is SQLAlchemy's own name of a member",
    ("refused word", "driftline.sagemaker.monitor"): "`base_job_name` is SageMaker's own name of a parameter",
    ("refused word", "driftline.sagemaker.options"): "`post_analytics_processor_script` is SageMaker's own name too",
    ("hidden import", "driftline.calling.calling"): "the library for HTTP is loaded only when a model is asked",
    ("hidden import", "driftline.commands.demo.demo"): "the server's parts are loaded only where it serves",
    ("except Exception", "driftline.worker"): "the worker's loops go on whatever happens in them",
    ("except Exception", "driftline.processing.child"): "whatever a job does, its process tells it and takes the next",
    ("except Exception", "driftline.scripts.inside"): "a user's script may raise anything, and its line is told",
    ("except Exception", "driftline.explanations.functions"): "so may a user's model",
    ("except Exception", "driftline.server.edge"): "the server's last handler",
}
"""(rule, place) -> why the rule does not hold there. An entry that is no longer needed fails its test."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One source file, parsed."""

    name: str
    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return ast.parse(self.text, str(self.path))

    @cached_property
    def functions(self) -> list[tuple[str, Function]]:
        """Every function with its dotted place, nested ones too."""
        return list(_functions(self.tree, self.name))


def _functions(node: ast.AST, place: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        inner = place
        if isinstance(child, Function | ast.ClassDef):
            inner = f"{place}.{child.name}"
        if isinstance(child, Function):
            yield inner, child
        yield from _functions(child, inner)


def _modules() -> list[Module]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path, path.read_text(encoding="utf-8")))
    return found


MODULES = _modules()
NAMES = frozenset(module.name for module in MODULES)


def kept(rule: str, found: dict[str, str]) -> None:
    """Fail with every place where a rule is broken without a stated exception."""
    broken = [f"{place}: {said}" for place, said in found.items() if (rule, place) not in EXCEPTIONS]
    stale = [place for known, place in EXCEPTIONS if known == rule and place not in found]
    assert not broken, f"{rule}:\n  " + "\n  ".join(broken)
    assert not stale, f"{rule}: exceptions no longer needed: {stale}"


def code_lines(function: Function) -> int:
    """Lines from `def` to the end, the docstring not counted: documentation has no budget."""
    first = function.body[0]
    end = function.end_lineno or function.lineno
    lines = end - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None and first.end_lineno is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def share_under(limit: int, sizes: list[int]) -> float:
    """Which share of the sizes is below the limit."""
    return sum(size < limit for size in sizes) / len(sizes)


def test_no_file_is_over_its_budget() -> None:
    lengths = {module.name: len(module.text.splitlines()) for module in MODULES}
    kept("file length", {name: f"{size} lines" for name, size in lengths.items() if size > FILE_LINES})


def test_nearly_all_files_are_short() -> None:
    lengths = [len(module.text.splitlines()) for module in MODULES]
    assert share_under(FILE_LINES_TYPICAL, lengths) >= TYPICAL_SHARE


def test_no_function_is_over_its_budget() -> None:
    sizes = {place: code_lines(node) for module in MODULES for place, node in module.functions}
    kept("function length", {place: f"{size} lines" for place, size in sizes.items() if size > FUNCTION_LINES})


def test_nearly_all_functions_are_short() -> None:
    sizes = [code_lines(node) for module in MODULES for _, node in module.functions]
    assert share_under(FUNCTION_LINES_TYPICAL, sizes) >= TYPICAL_SHARE


def test_no_function_takes_too_many_parameters() -> None:
    found = {}
    for module in MODULES:
        for place, node in module.functions:
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = len([argument for argument in given if argument.arg not in ("self", "cls")])
            if count > PARAMETERS:
                found[place] = f"{count} parameters"
    kept("parameters", found)


def words(identifier: str) -> set[str]:
    """The lower-case words of an identifier: `readFoo_bar` has read, foo and bar."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)}


def defined(module: Module) -> Iterator[str]:
    """Every name that a module itself gives to something."""
    yield module.name.rsplit(".", 1)[-1]
    for node in ast.walk(module.tree):
        if isinstance(node, Function | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def test_no_identifier_says_nothing() -> None:
    found = {}
    for module in MODULES:
        names = sorted({name for name in defined(module) if any(map(REFUSED.fullmatch, words(name)))})
        if names:
            found[module.name] = ", ".join(names)
    kept("refused word", found)


def test_every_module_opens_with_a_sentence() -> None:
    found = {}
    for module in MODULES:
        said = ast.get_docstring(module.tree)
        if module.text.strip() and not said:
            found[module.name] = "no docstring"
        elif said and not said.split("\n\n")[0].rstrip().endswith("."):
            found[module.name] = f"the first paragraph is no sentence: {said.splitlines()[0]!r}"
    kept("module docstring", found)


def public(body: list[ast.stmt], place: str) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    """Public functions and classes, and the public methods of public classes."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            inner = f"{place}.{node.name}"
            yield inner, node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, inner)


def test_everything_public_has_a_docstring() -> None:
    found = {}
    for module in MODULES:
        for place, node in public(module.tree.body, module.name):
            marks = {ast.unparse(mark) for mark in node.decorator_list}
            if not ast.get_docstring(node) and not marks & {"overload", "typing.overload"}:
                found[place] = f"no docstring (line {node.lineno})"
    kept("docstring", found)


def test_nothing_swallows_every_exception() -> None:
    found = {}
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ExceptHandler):
                caught = {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)} if node.type else {""}
                if caught & {"", "Exception", "BaseException"}:
                    found[module.name] = f"line {node.lineno}"
    kept("except Exception", found)


def imported(module: Module, node: ast.AST) -> set[str]:
    """The modules of ours that an import statement names."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names if alias.name in NAMES}
    if not isinstance(node, ast.ImportFrom) or node.module is None or node.level:
        return set()
    inner = {f"{node.module}.{alias.name}" for alias in node.names}
    whole = {node.module} if inner - NAMES else set()
    return (inner | whole) & NAMES


def test_imports_inside_functions_are_of_other_packages() -> None:
    found = {}
    for module in MODULES:
        for place, function in module.functions:
            hidden = {name for node in ast.walk(function) for name in imported(module, node)}
            if hidden:
                found[place] = ", ".join(sorted(hidden))
    kept("hidden import", found)


def test_imports_have_no_cycles_even_hidden_ones() -> None:
    graph = {m.name: {name for node in ast.walk(m.tree) for name in imported(m, node)} for m in MODULES}
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            pytest.fail("import cycle: " + " -> ".join([*path[path.index(name) :], name]))
        if name not in done:
            for other in sorted(graph[name] - {name}):
                walk(other, (*path, name))
            done.add(name)

    for name in sorted(graph):
        walk(name, ())


def test_relative_imports_are_not_used() -> None:
    found = {}
    for module in MODULES:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                found[module.name] = f"line {node.lineno}"
    kept("relative import", found)
