"""What `seqwright show` is asked to show, and its views."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqwright.arch import codec, show
from seqwright.arch.candidate import Candidate
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import PerStep
from seqwright.arch.portfolio import portfolio
from seqwright.arch.spaces import describe
from seqwright.errors import InputError, SpaceError, did_you_mean

if TYPE_CHECKING:
    from seqwright.deliver.bundle import Model

# Usual sizes of each stream, for an architecture that no data has been given to yet.
_USUAL = {
    "words": Stream("tokens", 20_000, 64),
    "subwords": Stream("tokens", 8_000, 128),
    "characters": Stream("tokens", 200, 256),
    "word_characters": Stream("characters", 20_000, 64),
    "ngrams": Stream("bag", 100_000, 1),
    "channels": Stream("channels", 1, 128),
    "kernels": Stream("features", 9_996, 1),
    "image": Stream("image", 3, width=32, height=32),
    "pretrained": Stream("pieces", 30_522, 128, depth=6, width=384),
}


@dataclass(frozen=True)
class Subject:
    """Networks by title, and the data that they are for, where that is known."""

    networks: "tuple[tuple[str, Any], ...]"
    interface: Interface | None = None

    @property
    def distinct(self) -> "list[tuple[str, Any]]":
        """Equal ones once; the one with the largest share of the answer stands first."""
        return list({codec.identity(network): (title, network) for title, network in self.networks}.values())


def subject(what: str) -> Subject:
    """A bundle or run, a JSON file, or a portfolio member by its name.

    Raises:
        InputError: it is none of them.
    """
    path = Path(what)
    if path.is_dir():
        from seqwright.deliver import bundle

        return _bundled(bundle.load(path))
    if path.is_file():
        try:
            return Subject(_in_file(json.loads(path.read_text(encoding="utf-8-sig"))))
        except json.JSONDecodeError:
            raise InputError(
                f"{path} is not JSON, so it holds no architecture. Give what `seqwright show WHAT --as json` wrote."
            ) from None
        except (ValueError, KeyError, TypeError, SpaceError) as error:
            raise InputError(
                f"{path} holds no architecture: {error}\nGive what `seqwright show WHAT --as json` wrote."
            ) from None
    space, _, name = what.partition("/")
    with_portfolio = [known for known in describe() if known != "tiny"]
    if space in with_portfolio and name:
        members = dict(portfolio(space))
        if name in members:
            return Subject(((name, members[name]),))
        every = ", ".join(f'"{member}"' for member in members)  # a name may have a comma in it
        raise InputError(f'The portfolio of "{space}" has no "{name}".{did_you_mean(name, members)} It has: {every}.')
    if what in describe():
        members = portfolio(what)[:1] if what in with_portfolio else ()
        one = "".join(f', or one of its networks: `seqwright show "{what}/{name}"`' for name, _ in members)
        raise InputError(f'"{what}" is a space, not a network. Give `seqwright spaces show {what}`{one}.')
    every = ", ".join(f'"{known}/{member}"' for known in with_portfolio for member, _ in portfolio(known)[:1])
    raise InputError(
        f"\"{what}\" is no folder, no file and no portfolio member. Give a run's folder, an architecture's JSON file, "
        f"or a member by its name, such as {every}."
    )


def _bundled(model: "Model") -> Subject:
    total = sum(member.weight for member in model.members)
    titles = [f"{member.weight / total:.0%} of the answer" for member in model.members]
    interface = model.preparation.interface(len(model.task.labels), per_step=model.task.per_step)
    candidates = [member.candidate for member in model.members]
    return Subject(tuple(zip(titles, candidates, strict=True)), interface)


def _in_file(data: Any) -> "tuple[tuple[str, Any], ...]":
    """A candidate or network, or the members of a bundle's architecture.json."""
    if isinstance(data, dict) and "members" in data:
        return tuple(("", codec.from_data(member["candidate"])) for member in data["members"])
    return (("", codec.from_data(data)),)


def viewed(given: Subject, view: str) -> str:
    """The text of one view: of several networks (an ensemble) one after the other, or of the first in those of one."""
    found = given.distinct
    if view == "line":
        return "\n".join(show.line(network) for _, network in found)
    if view == "json":
        data = [codec.to_data(network) for _, network in found]
        return json.dumps(data[0] if len(data) == 1 else {"members": [{"candidate": d} for d in data]}, indent=1)
    if view == "tree":
        return "\n\n".join(show.tree(network) for _, network in found)
    network = found[0][1]
    architecture = network.architecture if isinstance(network, Candidate) else network
    if view == "torch":
        from seqwright.nn.source import as_torch

        return as_torch(architecture, given.interface or usual(architecture))
    from seqwright.arch import draw

    return draw.mermaid(architecture) if view == "mermaid" else draw.svg(architecture)


def usual(architecture: Any) -> Interface:
    """An interface of usual sizes for an architecture that was not made for any data yet."""
    streams = tuple((name, _USUAL[name]) for name in architecture.stem.reads)
    sides = 2 if getattr(architecture, "pairing", "joined") == "compared" else 1
    return Interface(streams, 2, per_step=isinstance(architecture.readout, PerStep), sides=sides)
