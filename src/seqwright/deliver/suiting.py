"""Whether any network of a space suits the data: found out by building some, before any of the budget is spent."""

from random import Random

from seqwright.arch.interface import Interface
from seqwright.errors import InputError, SpaceError
from seqwright.space.moves import sample
from seqwright.space.nodes import Space

DRAWN = 20  # networks that may fail to suit the data before a space is refused


def suits_some(space: Space, interface: Interface, name: "str | None") -> None:
    """Refuse a space of which no network can be built for these data: made for images, for one answer a text.

    Raises:
        InputError: of several drawn at random none could be built.
    """
    import torch

    from seqwright.nn import build

    said = ""
    for seed in range(DRAWN):
        architecture = sample(space, Random(seed)).architecture
        try:
            with torch.device("meta"):
                build(architecture, interface)
            return
        except SpaceError as error:
            said = said or str(error)
    raise InputError(f"No network of the space {name or 'that is searched'} suits these data: {said}")
