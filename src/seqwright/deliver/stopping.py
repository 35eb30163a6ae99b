"""Stopping well: the first Ctrl-C or SIGTERM asks for the best so far, the second ends at once."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from seqwright.errors import SeqwrightError


class Stop:
    """Whether someone asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked


@contextlib.contextmanager
def stopping() -> Iterator[Stop]:
    """A `Stop` that the signals set meanwhile; outside the main thread, where signals do not arrive, nothing does."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, frame: "FrameType | None") -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    except SeqwrightError as error:
        if stop.asked:  # asked to stop before there was anything to deliver
            raise KeyboardInterrupt(str(error)) from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
