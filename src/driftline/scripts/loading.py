"""A script made into functions inside the confined process, and its exceptions into the script's own lines."""

from __future__ import annotations

import inspect
import linecache
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

NAME = "driftline_script"
"""The module's name, as `__name__` tells it to the script."""


class TooSlow(BaseException):
    """The script took longer than it may; not an `Exception`, so that no script catches it unawares."""


class Refused(Exception):
    """The script cannot be used; says why."""


def load(file: str, folder: str) -> ModuleType:
    """The module that the script in `folder` makes; raises whatever the script raises."""
    path = Path(folder) / file
    text = path.read_text(encoding="utf-8")
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    module = ModuleType(NAME)
    module.__file__ = str(path)
    sys.modules[NAME] = module
    exec(compile(text, file, "exec"), module.__dict__)
    return module


def function_of(module: ModuleType, name: str) -> Callable[..., Any]:
    """The function that Driftline calls; raises `Refused` if the script has none."""
    found = getattr(module, name, None)
    if not callable(found):
        raise Refused(f"there is no function {name} in it")
    function: Callable[..., Any] = found
    return function


def takes(function: Callable[..., Any], most: int) -> int:
    """How many arguments it can be called with, at most `most`; raises `Refused` where it asks for more."""
    try:
        given = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    if any(each.kind is each.VAR_POSITIONAL for each in given):
        return most
    places = [each for each in given if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    needed = sum(each.default is each.empty for each in places)
    if needed > most:
        raise Refused(f"{function.__name__} takes {needed} arguments, and is called with {most} at most")
    return min(most, len(places))


def line_of(error: BaseException, file: str) -> int | None:
    """The line of the script in which an error came up: the innermost one that is of the script.

    >>> try:
    ...     exec(compile("def f():\\n    return 1 / 0\\nf()", "own.py", "exec"), {})
    ... except ZeroDivisionError as error:
    ...     line_of(error, "own.py")
    2
    """
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else None


def show(error: BaseException, file: str) -> None:
    """Print an error to the log, its trace from the script's first line on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != file:
        trace = trace.tb_next
    kept: TracebackType | None = trace
    traceback.print_exception(type(error), error, kept)


def said(error: BaseException) -> str:
    """An error in one line.

    >>> said(KeyError("a")), said(ValueError())
    ("KeyError: 'a'", 'ValueError')
    """
    text = " ".join(str(error).split())[:500]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
