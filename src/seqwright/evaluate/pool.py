"""The heart of every executor: a queue, and one thread a slot that hands its jobs to a link.

A `Link` is a way to one worker. What differs between executors is only how links are made: a child process
with pipes (`local`), a program that calls over a socket (`remote`).
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, Self

from seqwright.errors import InputError, SeqwrightError
from seqwright.evaluate.executor import Job, Outcome
from seqwright.evaluate.wire import encode


class Lost(Exception):
    """The worker went away, through no fault of the job as far as one can tell."""


class Link(Protocol):
    """A way to one worker, which does one job at a time."""

    def run(self, job: Job) -> Outcome:
        """Do the job and wait for its end, whatever that may be. Raises `Lost`."""
        ...

    def stop(self) -> None:
        """End the running job now, from any thread: `run` then returns or raises soon."""
        ...

    def alive(self) -> bool:
        """Whether another job may be given."""
        ...

    def close(self) -> None:
        """Let the worker go and wait until it is gone."""
        ...


@dataclass(eq=False)
class _Ticket:
    """A job on its way. A fresh one each time, so that a cancelled job is not mistaken for its resubmission."""

    job: Job
    link: Link | None = None
    losses: int = 0


class Pool:
    """An `Executor` over links.

    Args:
        slots: how many jobs run at once.
        connect: makes a link, or waits for one; None when the pool was closed meanwhile. Raises `Lost` with the
            reason when none can be had, which then fails one job.
    """

    def __init__(self, slots: int, connect: Callable[[], Link | None]) -> None:
        if slots < 1:
            raise InputError(f"An executor needs at least one slot, not {slots}.")
        self.slots = slots
        self._connect = connect
        self._news = threading.Condition()  # guards all that follows
        self._queue: deque[_Ticket] = deque()
        self._running: dict[str, _Ticket] = {}
        self._ended: deque[Outcome] = deque()
        self._free = 0  # slots that have had a worker and have no job
        self._closed = False
        # The threads live as long as the pool: a worker that dies with its parent dies with the *thread* that made it.
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(slots)]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> None:
        """Queue a job; returns at once.

        Raises:
            InputError: the arguments are not JSON, or a job of this id is still on its way.
            SeqwrightError: the executor is closed.
        """
        try:
            encode(job.arguments)
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"The arguments of job {job.id} ({job.function}) are not JSON: {error}.") from None
        with self._news:
            if self._closed:
                raise SeqwrightError("This executor is closed. Make a new one.")
            if job.id in self._running or any(t.job.id == job.id for t in self._queue):
                raise InputError(f"A job with id {job.id} is already on its way. Give each job an id of its own.")
            self._queue.append(_Ticket(job))
            self._news.notify_all()

    def collect(self, timeout_s: float) -> list[Outcome]:
        """Whatever ended, waiting at most `timeout_s` for the first; empty when nothing did."""
        with self._news:
            self._news.wait_for(lambda: self._ended or self._closed, timeout_s)
            outcomes = list(self._ended)
            self._ended.clear()
        return outcomes

    def cancel(self, id: str) -> None:
        """Stop a job, running or queued; it yields no outcome. Unknown ids are ignored."""
        with self._news:
            self._queue = deque(t for t in self._queue if t.job.id != id)
            self._ended = deque(o for o in self._ended if o.id != id)
            # Stopped under the lock: the slot needs it to go on, so this cannot hit the slot's next job.
            if (ticket := self._running.pop(id, None)) and ticket.link:
                ticket.link.stop()

    def close(self) -> None:
        """Stop all workers and wait for them; no process is left behind. What ended before may still be collected."""
        with self._news:
            self._closed = True
            self._queue.clear()
            for ticket in self._running.values():
                if ticket.link:
                    ticket.link.stop()
            self._running.clear()
            self._news.notify_all()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # A slot -----------------------------------------------------------------------------------------

    def _serve(self) -> None:
        """One slot: wait for work, have a link, do the work."""
        self._wait_for_first()
        link: Link | None = None
        while self._work_waits():
            if link and not link.alive():
                link.close()
                link = None
            try:
                link = link or self._connect()
            except Lost as why:
                self._finish_next(str(why))
                continue
            # Only a slot that has its link takes a job: none waits for a worker while another slot is free.
            if link and (ticket := self._take(link)):
                self._finish(ticket, _run(link, ticket))
        if link:
            link.close()

    def _wait_for_first(self) -> None:
        """Wait until there are more jobs than the slots in use can take: no worker is started before it is needed."""
        with self._news:
            self._news.wait_for(lambda: len(self._queue) > self._free or self._closed)
            self._free += 1

    def _work_waits(self) -> bool:
        with self._news:
            self._news.wait_for(lambda: self._queue or self._closed)
            return not self._closed

    def _take(self, link: Link | None) -> _Ticket | None:
        with self._news:
            if self._closed or not self._queue:
                return None
            ticket = self._queue.popleft()
            self._free -= 1
            ticket.link = link
            self._running[ticket.job.id] = ticket
            return ticket

    def _finish(self, ticket: _Ticket, outcome: Outcome | Lost) -> None:
        with self._news:
            self._free += 1
            if self._running.get(ticket.job.id) is not ticket:
                return  # cancelled
            del self._running[ticket.job.id]
            if isinstance(outcome, Lost) and ticket.losses == 0:
                # Once more, with another worker; a second loss is more likely the job's doing.
                self._queue.appendleft(_Ticket(ticket.job, losses=1))
            elif isinstance(outcome, Lost):
                self._ended.append(Outcome(ticket.job.id, error=str(outcome)))
            else:
                self._ended.append(outcome)
            self._news.notify_all()

    def _finish_next(self, error: str) -> None:
        if ticket := self._take(None):
            self._finish(ticket, Outcome(ticket.job.id, error=error))


def _run(link: Link, ticket: _Ticket) -> Outcome | Lost:
    begun = time.monotonic()
    try:
        outcome = link.run(ticket.job)
    except Lost as lost:
        return lost
    return outcome if outcome.seconds else replace(outcome, seconds=time.monotonic() - begun)
