"""What executor and workers say to each other: one JSON object a line.

Strict JSON: a number that is not finite has no place in it, and is refused where it arises.
"""

import json
import queue
import threading
from collections.abc import Callable
from typing import IO, Any

Message = dict[str, Any]


def encode(message: Message) -> bytes:
    """One line of strict JSON.

    Raises:
        TypeError: a value that JSON has no word for.
        ValueError: a NaN, an infinite number, or a value that holds itself.
    """
    return json.dumps(message, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message of a line.

    Raises:
        ValueError: the line is not one whole JSON object.
    """
    try:
        message = json.loads(line)
    except RecursionError:
        raise ValueError("too deeply nested") from None
    if not isinstance(message, dict):
        raise ValueError(f"expected a JSON object, got {line[:40]!r}")
    return message


class Inbox:
    """Messages as they arrive on a stream, read by a thread of its own so that waiting for one can have a limit.

    Args:
        at_end: called, in that thread, when the stream has ended.

    Attributes:
        broken: what was wrong with a line that could not be read. It ends the stream, for who wrote it is no worker.
    """

    def __init__(self, stream: IO[bytes], at_end: Callable[[], object] = lambda: None) -> None:
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._at_end = at_end
        self.ended = False
        self.broken = ""
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        try:
            for line in stream:
                self._messages.put(decode(line))
        except OSError:
            pass
        except ValueError as error:
            self.broken = str(error)
        finally:
            self.ended = True
            self._messages.put(None)
            self._at_end()

    def get(self, timeout_s: float | None = None) -> Message | None:
        """The next message, or None where the stream has ended.

        Raises:
            TimeoutError: nothing came within `timeout_s`.
        """
        try:
            message = self._messages.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError from None
        if message is None:
            self._messages.put(None)  # the end stays the end, however often it is asked for
        return message

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)
