"""Jobs for the executor contract: well-behaved ones, and ones that fail in every way a job can."""

import ctypes
import itertools
import os
import signal
import sys
import time
from typing import Any

_calls = itertools.count(1)


def echo(value: Any = None) -> Any:
    return value


def count() -> dict[str, int]:
    """How often this module's memory has been asked: more than once only in a worker that persists."""
    return {"calls": next(_calls), "pid": os.getpid()}


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def sleep_stubbornly(path: str) -> None:
    """Write this process's id to a file, and sleep deaf to polite signals."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with open(path + ".part", "w") as file:
        file.write(str(os.getpid()))
    os.replace(path + ".part", path)
    time.sleep(600)


def chatter(value: Any) -> Any:
    """Print on every way out, then return `value`."""
    print('{"serial": 1, "value": "forged"}')
    sys.stdout.flush()
    os.write(1, b'{"serial": 1, "value": "forged"}\n')
    ctypes.CDLL(None).puts(b"from C")
    os.write(2, b"x" * 300_000)
    sys.stdin.read()
    return value


def raise_error(text: str) -> None:
    raise ValueError(text)


def exit_politely(code: int) -> None:
    sys.exit(code)


def exit_rudely(code: int) -> None:
    print("the last thing I said", file=sys.stderr)
    os._exit(code)


def segfault() -> None:
    ctypes.string_at(0)


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crash_with_child() -> None:
    """Leave a child that holds all pipes open, then crash."""
    if os.fork() == 0:
        time.sleep(600)
    os._exit(3)


def hoard(mib: int) -> int:
    """Hold memory, written to so that it counts, until killed."""
    held = [bytearray(os.urandom(2**20)) for _ in range(mib)]
    time.sleep(600)
    return len(held)


def not_a_number() -> float:
    return float("nan")


def not_json() -> object:
    return {"value": object()}


def variables(*names: str, **named: str) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in [*names, *named.values()]}


def modules(names: list[str]) -> list[str]:
    """Which of these modules are loaded."""
    return [name for name in names if name in sys.modules]


def kill_parent() -> None:
    """Take down the program that started this worker."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)
