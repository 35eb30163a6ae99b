"""A search on shared weights, made from a strategy's name: the part of the space that can share, and its supernet."""

from collections.abc import Callable
from typing import Any

from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.supernet import Paths, Supernet, weights_of
from seqwright.errors import InputError, SpaceError
from seqwright.search.fresh import generator
from seqwright.search.nearest import nearest_recipe
from seqwright.search.shared import ALONE, EACH, Shared
from seqwright.search.strategy import Strategy
from seqwright.space.census import questions
from seqwright.space.narrow import ban
from seqwright.space.nodes import Record, Space
from seqwright.space.pattern import labels
from seqwright.space.prior import Prior
from seqwright.study.record import Fidelity

UNSHARED = ("headedencoder", "graphcell")  # what a supernet refuses, see `nn.supernet`
USUAL = Recipe(learning_rate=3e-3)  # as hand-made networks have; a supernet wants more than a smaller rate gives
TRAININGS = 4  # of one candidate to the highest rung, that a supernet's lasts as long as


def shareable(space: Space) -> Record:
    """The part of a space whose networks can share weights, all with one recipe: the nearest to the usual one.

    Raises:
        InputError: no network of the space can.
    """
    try:
        for kind in UNSHARED:
            if kind in set(labels(space)):
                space = ban(space, kind)
    except SpaceError as error:
        raise InputError(
            f"--evaluate shared: no network of this space can share weights ({kind}). Leave it out, and each trains "
            "alone; or choose another --space."
        ) from error
    if not isinstance(space, Record) or space.cls is not Candidate:
        raise InputError("--evaluate shared: the space is not one of candidates. Give vary(Candidate, ...) as --space.")
    recipe = nearest_recipe(space, USUAL, generator(0, -1))
    return Record(Candidate, (("architecture", dict(space.fields)["architecture"]), ("recipe", recipe)))


def within(part: Space, space: Space, prior: Prior) -> Prior:
    """A prior for a part of the space that it was made for."""

    def kept(whole: Prior) -> dict[str, dict[str, float]]:
        known = {path: dict(given) for path, given in weights_of(space, whole)}
        asked = {path: question.labels() for path, question in questions(part).items() if path in known}
        found = {path: {name: known[path][name] for name in names} for path, names in asked.items()}
        return {path: weights for path, weights in found.items() if any(weights.values())}

    return Prior(kept(prior), Prior(kept(prior.belief) if prior.belief else {}))


def sharing(
    make: Callable[..., Strategy],
    alone: Strategy,
    space: Space,
    full: Fidelity,
    expected: int | None,
    rule: str = "uniform",
    **common: Any,
) -> Shared:
    """The search on shared weights.

    Args:
        make: (space, candidates expected or None, **common) -> the strategy on inherited scores.
        alone: the search without shared weights, which is gone back to.
        full: the fidelity at which candidates are trained alone.
        expected: about how many candidates will be proposed, where that is known.
        rule: how the supernet is trained; see `Paths`.
        common: what every strategy takes: see `RandomSearch`.
    """
    part = shareable(space)
    given = common.get("prior")
    prior = within(part, space, given) if given else None
    weights = weights_of(part, prior) if prior else ()
    each = EACH if expected is None else max(8, min(EACH, expected // 3))
    recipe = dict(part.fields)["recipe"]
    return Shared(
        make(part, expected, **common | {"prior": prior, "fidelity": Fidelity(0, full.folds, "shared")}),
        alone,
        Candidate(Supernet(part, Paths(rule, weights)), recipe),
        TRAININGS * full.examples,
        full,
        each=each,
        trained=min(ALONE, each // 4),
    )
