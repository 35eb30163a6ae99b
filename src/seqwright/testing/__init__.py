"""Contract checks, for plug-in authors and for us: `check_executor`, `check_strategy`, `check_block`, `check_task`.

Each asserts every promise of a seam on what it is given, and says which one is broken.
"""

from typing import Any

_WHERE = {f"check_{seam}": seam for seam in ("block", "executor", "strategy", "task")}

__all__ = sorted(_WHERE)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    # Loaded on first use: jobs in workers import this package, and need none of the checks.
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"seqwright.testing.{_WHERE[name]}"), name)
