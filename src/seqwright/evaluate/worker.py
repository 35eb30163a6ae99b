"""A worker: a process that does jobs, one after another, until its pipe ends.

`python -m seqwright.evaluate.worker` is started by an executor and reads jobs on its standard input;
with `--connect HOST:PORT` it is started by anyone, and offers its work over a socket.
"""

import argparse
import ctypes
import functools
import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import IO, Any

from seqwright.errors import InputError, did_you_mean
from seqwright.evaluate.wire import Inbox, Message, encode


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m seqwright.evaluate.worker", description=__doc__)
    parser.add_argument("--parent", type=int, help="process id to die with")
    parser.add_argument("--connect", metavar="HOST:PORT", help="offer work to the executor that listens there")
    parser.add_argument("--token-file", help="file with the executor's token (default: the variable SEQWRIGHT_TOKEN)")
    parser.add_argument("--threads", type=int, default=1, help="threads a job may use (with --connect)")
    options = parser.parse_args(argv)
    if options.parent:
        _die_with(options.parent)
    if options.connect:
        from seqwright.evaluate.agent import offer

        return offer(options.connect, options.token_file, options.threads)
    serve(*_claim_pipes())
    return 0


def serve(jobs: IO[bytes], answers: IO[bytes]) -> None:
    """Answer jobs until there are no more."""
    # When the executor goes away, so does the worker, in the middle of a job if need be: nobody wants the answer.
    inbox = Inbox(jobs, at_end=functools.partial(os._exit, 0))

    def say(line: bytes) -> None:
        answers.write(line)
        answers.flush()

    say(encode({"ready": os.getpid()}))
    while message := inbox.get():
        say(encode({"begun": message["serial"]}))
        say(answer(message))


def answer(message: Message) -> bytes:
    """Do what `message` asks; the line to send back, which holds a value or says in one line what went wrong."""
    begun = time.monotonic()
    value, error = None, ""
    try:
        value = find(message["function"])(**message["arguments"])
    except BaseException as raised:  # also SystemExit and MemoryError: a job cannot end its worker politely
        traceback.print_exc()
        error = one_line(raised)
    reply = {"serial": message["serial"], "value": value, "error": error, "seconds": time.monotonic() - begun}
    try:
        return encode(reply)
    except (TypeError, ValueError, RecursionError) as raised:
        error = f"{message['function']} returned what JSON cannot hold: {raised}"
        return encode(reply | {"value": None, "error": error})


@functools.cache
def find(function: str) -> Callable[..., Any]:
    """The function called "package.module:name".

    Raises:
        InputError: there is none.
    """
    module_name, _, name = function.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise InputError(f'Job function "{function}": {error}.') from error
    found = getattr(module, name, None)
    if not callable(found):
        known = [n for n, v in vars(module).items() if callable(v)]
        hint = did_you_mean(name, known)
        raise InputError(f'Job function "{function}": {module_name} has no function "{name}".{hint}')
    return found


def one_line(error: BaseException, limit: int = 300) -> str:
    """An exception in one line, with the place that raised it: ``ValueError: no rows (read.py:12)``."""
    text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename != __file__]
    return f"{text} ({os.path.basename(own[-1].filename)}:{own[-1].lineno})" if own else text


def _claim_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Keep the two pipes for the protocol alone: whatever a job prints, in Python or in C, goes to standard error."""
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return jobs, answers


def _die_with(parent: int) -> None:
    """On Linux, be killed at the moment the parent ends, however it ends; elsewhere the end of the pipe serves."""
    if sys.platform != "linux":
        return
    set_parent_death_signal = 1  # PR_SET_PDEATHSIG, linux/prctl.h
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
