"""A socket that carries messages, once both ends have proved that they know the same token.

The proof is a keyed digest of two fresh random numbers, so the token itself never travels and nothing that was
overheard can be used again. Messages are not encrypted: across an open network, go through a tunnel (``ssh -L``).
"""

import hashlib
import hmac
import secrets
import socket
import threading
from contextlib import suppress

from seqwright.evaluate.wire import Inbox, Message, decode, encode

HANDSHAKE_S = 10.0
GREETING_BYTES = 1024  # a stranger may send no more than this


class Refused(Exception):
    """The other end does not know the token, or does not speak the protocol."""


class Channel:
    """Messages over a connected socket. Send from any thread; received ones are in `inbox`.

    Raises:
        Refused: the other end did not prove itself.
    """

    def __init__(self, connection: socket.socket, token: str, *, calling: bool) -> None:
        self._socket = connection
        self._stream = connection.makefile("rb")
        self._sending = threading.Lock()
        try:
            connection.settimeout(HANDSHAKE_S)
            self._shake_hands(token, calling)
            connection.settimeout(None)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._stream.close()
            connection.close()
            raise Refused(str(error)) from None
        self.inbox = Inbox(self._stream)

    def send(self, message: Message) -> None:
        """Raises OSError where the connection is gone."""
        line = encode(message)
        with self._sending:
            self._socket.sendall(line)

    def sever(self) -> None:
        """End the connection at once, both ways, from any thread."""
        with suppress(OSError):  # it had ended already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.sever()
        self.inbox.join(HANDSHAKE_S)
        self._stream.close()
        self._socket.close()

    def _shake_hands(self, token: str, calling: bool) -> None:
        mine = secrets.token_hex(16)
        if calling:
            theirs = self._greeting()["nonce"]
            self.send({"nonce": mine, "proof": _proof(token, "worker", theirs, mine)})
            expected = _proof(token, "executor", theirs, mine)
            reply = self._greeting()
        else:
            self.send({"nonce": mine})
            reply = self._greeting()
            expected = _proof(token, "worker", mine, reply["nonce"])
        if not hmac.compare_digest(expected.encode(), reply["proof"].encode()):
            raise ValueError("the token is not the same at both ends")
        if not calling:
            self.send({"proof": _proof(token, "executor", mine, reply["nonce"])})

    def _greeting(self) -> dict[str, str]:
        line = self._stream.readline(GREETING_BYTES)
        if not line:
            raise ValueError("the other end hung up; is the token the same at both ends?")
        message = decode(line)
        if not all(isinstance(value, str) for value in message.values()):
            raise ValueError("that is no greeting")
        return message


def _proof(token: str, role: str, *nonces: str) -> str:
    # The role keeps one end's proof from being played back as the other's.
    return hmac.new(token.encode(), "/".join((role, *nonces)).encode(), hashlib.sha256).hexdigest()
