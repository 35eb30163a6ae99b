"""What goes wrong, in words: any exception becomes one screen on standard error and an exit code."""

import errno
import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

LINES = 24  # a screen
INTERRUPTED = 130

_REMEDIES = {
    errno.ENOSPC: "The disk is full. Free some space; then the same command goes on where it was.",
    errno.EDQUOT: "The disk quota is used up. Free some space; then the same command goes on where it was.",
    errno.EACCES: "Permission was denied. Choose a place that you may use (--folder for a run, -o for a file).",
    errno.EPERM: "Permission was denied. Choose a place that you may use (--folder for a run, -o for a file).",
    errno.EROFS: "That file system cannot be written. Choose another place (--folder for a run, -o for a file).",
    errno.ENOENT: "There is no such file or folder. Check the path.",
    errno.ENOTDIR: "A part of that path is a file, not a folder. Check the path.",
    errno.EISDIR: "That is a folder, not a file. Give a file's name.",
    errno.EMFILE: "Too many files are open. Raise the limit (`ulimit -n 4096`).",
    errno.ENOMEM: "There is not enough memory. Close other programs, or give fewer --workers.",
}


class Interrupted(Exception):
    """Ctrl-C or SIGTERM before there was anything to deliver."""


def interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """The command with its interrupt as an exception of ours; typer would swallow what it says."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt as error:
            raise Interrupted(str(error)) from error

    return run


def told(error: BaseException, debug: bool) -> int:
    """Tell the user what went wrong; the exit code to leave with."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 0
    if isinstance(error, BrokenPipeError):  # whoever read us has seen enough, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if debug:
        traceback.print_exception(error)
    text, code = explained(error)
    lines = text.rstrip().splitlines() or [type(error).__name__]
    if len(lines) > LINES and not debug:
        lines = [*lines[: LINES - 1], f"... and {len(lines) - LINES + 1} more lines (--debug shows them)."]
    print(f"seqwright: {lines[0]}", *lines[1:], sep="\n", file=sys.stderr)
    return code


def explained(error: Any) -> tuple[str, int]:
    """The message and the exit code for an exception."""
    from seqwright.errors import SeqwrightError

    if isinstance(error, SeqwrightError):
        return str(error), error.exit_code
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # typer's own: a wrong flag or argument
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "seqwright"
        return f"{error.format_message()}\nSee `{path} --help`.", error.exit_code
    if isinstance(error, Interrupted | KeyboardInterrupt):
        return f"interrupted. {error}".rstrip(), INTERRUPTED
    if isinstance(error, MemoryError):
        return _REMEDIES[errno.ENOMEM], 1
    cause = error if isinstance(error, OSError) else _full_disk(error)
    if cause is not None and cause.errno in _REMEDIES:
        where = f"{cause.filename}: " if cause.filename else ""
        return f"{where}{_REMEDIES[cause.errno]}", 1
    return (
        f"{type(error).__name__}: {error}\n"
        "This is a defect of Seqwright, not of what you gave. Run the command again with --debug and report what "
        "it prints.",
        1,
    )


def _full_disk(error: BaseException) -> "OSError | None":
    """Libraries written in other languages tell of a full disk in their own words."""
    full = os.strerror(errno.ENOSPC).lower() in str(error).lower() or f"os error {errno.ENOSPC}" in str(error).lower()
    return OSError(errno.ENOSPC, str(error)) if full else None
