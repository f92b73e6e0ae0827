"""Loads the Python module of a demo, where the operator allows it. I/O."""

from __future__ import annotations

import traceback
import types
from pathlib import Path

from ..errors import Problem
from .code import Coded, coded_steps

OFF = "is not loaded: code runs only where the gateway was started with --allow-code"


def load_code(folder: Path, name: str, file: str) -> tuple[tuple[Coded, ...], tuple[Problem, ...]]:
    """The steps of a module, or why it could not be run. Blocking; nothing is written beside it."""
    path = folder / name
    module = types.ModuleType(f"gateway_demo_{folder.name}")
    module.__file__ = str(path)
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except SyntaxError as error:
        return (), (Problem(file, error.lineno or 1, error.offset or 1, "", error.msg),)
    except Exception as error:  # an author's module may fail in any way that Python can
        return (), (Problem(file, line_of(error, path), 1, "", f"{type(error).__name__}: {error}"),)
    return coded_steps(vars(module)), ()


def line_of(error: BaseException, path: Path) -> int:
    """The innermost line of this file that an error came through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return next((line for line in reversed(lines) if line), 1)
