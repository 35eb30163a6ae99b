"""The nearest value inside a space: how a hand-made network enters a space that was narrowed since.

Whatever the space still allows is kept; a number takes the nearest one allowed; what has no counterpart is drawn.
"""

from random import Random
from typing import Any

from seqwright.arch.candidate import Recipe
from seqwright.space.census import contains
from seqwright.space.moves import sample
from seqwright.space.nodes import Choice, Record, Space, Stack


def nearest(space: Space, value: Any, rng: Random) -> Any:
    """`value` itself when it is inside; otherwise one inside that keeps as much of it as can be kept."""
    if contains(space, value):
        return value
    if isinstance(space, Choice):
        return nearest(_option(space, value, rng), value, rng)
    if isinstance(space, Record):
        if type(value) is not space.cls:
            return sample(space, rng)
        return space.cls(**{name: nearest(part, getattr(value, name), rng) for name, part in space.fields})
    if isinstance(space, Stack):
        elements: list[Any] = list(value) if isinstance(value, tuple) else []
        kept = [nearest(space.element, element, rng) for element in elements[: space.most]]
        return tuple(kept + [sample(space.element, rng) for _ in range(space.least - len(kept))])
    if isinstance(space, tuple) and isinstance(value, tuple) and len(space) == len(value):
        return tuple(nearest(part, element, rng) for part, element in zip(space, value, strict=True))
    return sample(space, rng)


def nearest_recipe(space: Space, recipe: Recipe, rng: Random) -> Recipe:
    """The recipe nearest to `recipe` in a space of candidates; itself where the space is one of architectures."""
    parts = dict(space.fields) if isinstance(space, Record) else {}
    return nearest(parts.get("recipe", recipe), recipe, rng)


def _option(question: Choice, value: Any, rng: Random) -> Any:
    same_record = [o for o in question.options if isinstance(o, Record) and type(value) is o.cls]
    if same_record:
        return same_record[0]
    numbers = [o for o in question.options if isinstance(o, int | float)]
    if question.ordered and isinstance(value, int | float) and len(numbers) == len(question.options):
        return min(numbers, key=lambda number: abs(number - value))
    return rng.choice(question.options)
