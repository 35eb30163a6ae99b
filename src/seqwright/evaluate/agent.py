"""The worker program's other half: a local pool of one slot, offered to an executor over a socket."""

import os
import socket
import sys
import threading
import time

from seqwright.evaluate.channel import Channel, Refused
from seqwright.evaluate.executor import Job
from seqwright.evaluate.local import LocalPool
from seqwright.evaluate.remote import HEARTBEAT_S

PATIENCE_S = 10.0  # with an executor that does not answer, at first or after a connection was lost


def offer(address: str, token_file: str | None, threads: int) -> int:
    """Work for the executor at "HOST:PORT" until it says goodbye or is gone; the program's exit code."""
    token = os.environ.pop("SEQWRIGHT_TOKEN", "")  # taken out, for jobs have no business with it
    if token_file:
        with open(token_file) as file:
            token = file.read().strip()
    host, _, port = address.rpartition(":")
    if not token or not host or not port.isdigit():
        print("Give HOST:PORT, and the token in the variable SEQWRIGHT_TOKEN or by --token-file.", file=sys.stderr)
        return 2
    with LocalPool(1, threads) as pool:
        heard = time.monotonic()
        while time.monotonic() - heard < PATIENCE_S:
            try:
                channel = Channel(socket.create_connection((host, int(port)), PATIENCE_S), token, calling=True)
            except Refused as why:
                print(f"The executor at {address} refused: {why}", file=sys.stderr)
                return 2
            except OSError:
                time.sleep(0.1)
                continue
            if _serve(channel, pool):
                return 0
            heard = time.monotonic()
    print(f"No executor answers at {address}.", file=sys.stderr)
    return 1


def _serve(channel: Channel, pool: LocalPool) -> bool:
    """Do jobs until the connection ends. True: it ended with a goodbye."""
    over = threading.Event()
    reporter = threading.Thread(target=_report, args=(channel, pool, over))
    reporter.start()
    job = None
    try:
        while message := channel.inbox.get():
            if message.get("goodbye"):
                return True
            limits = (message["timeout_s"], message["memory_mib"])
            job = Job(str(message["serial"]), message["function"], message["arguments"], *limits)
            pool.submit(job)
        return False
    finally:
        if job:  # whether or not it still runs, nobody waits for it
            pool.cancel(job.id)
        over.set()
        channel.sever()
        reporter.join()
        channel.close()


def _report(channel: Channel, pool: LocalPool, over: threading.Event) -> None:
    """Send outcomes as they come, and a sign of life where none do."""
    try:
        while not over.is_set():
            outcomes = pool.collect(HEARTBEAT_S)
            for o in outcomes:
                channel.send({"serial": int(o.id), "value": o.value, "error": o.error, "seconds": o.seconds})
            if not outcomes:
                channel.send({"alive": True})
    except OSError:
        channel.sever()
