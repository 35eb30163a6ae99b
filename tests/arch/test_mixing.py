"""Spaces as mixtures: what is mixed, and how weights are read back as architectures and a prior."""

from random import Random

import pytest

from seqwright.arch.blocks import Conv, FeedForward, Gru, Skip
from seqwright.arch.candidate import Candidate, Recipe
from seqwright.arch.cells import CellNetwork, cells
from seqwright.arch.darts import DARTS, Darts
from seqwright.arch.mixed import Mixed, MixedCell
from seqwright.arch.mixing import collapse, derived, mixture, mixtures, nothings, prior_of
from seqwright.arch.network import Body, Layer, Mean, Mlp, Network, Words
from seqwright.arch.show import line
from seqwright.arch.spaces import named
from seqwright.arch.supernet import Supernet
from seqwright.errors import SpaceError
from seqwright.space.census import questions
from seqwright.space.fill import why_not
from seqwright.space.nodes import Choice, Stack, one_of, vary
from seqwright.space.prior import Prior

MIXABLE = ("text", "pairs", "tagging", "series", "tiny", "darts-recurrent", "enas-recurrent", "nasnet", "amoebanet",
           "textnas")  # fmt: skip
SMALL = Choice((8, 16, 32), ordered=True)
LAYER = vary(Layer, mixer=one_of(vary(Gru, hidden=SMALL), vary(Conv, dilation=1), Skip), channel=FeedForward())
SPACE = vary(
    Candidate,
    architecture=vary(
        Network, stem=Words(), body=vary(Body, layers=Stack(LAYER, 1, 3), width=SMALL), readout=Mean(), head=Mlp(0)
    ),
    recipe=Recipe(),
)
MIXER = "/architecture/body/layers/{}/mixer"


def gates(mixed: object) -> dict[str, tuple[str, ...]]:
    return {path: labels for part in mixtures(mixed) for path, labels in part.gates().items()}


def weights(mixed: object, seed: int = 0) -> dict[str, list[float]]:
    rng = Random(seed)
    return {path: [rng.random() for _ in labels] for path, labels in gates(mixed).items()}


@pytest.mark.parametrize("partial", [1, 4])
@pytest.mark.parametrize("name", MIXABLE)
def test_derived_architectures_lie_in_the_space_and_the_prior_suits_its_questions(name: str, partial: int) -> None:
    space = named(name)
    mixed = mixture(space, partial)
    for seed in range(5):
        drawn = weights(mixed, seed)
        found = derived(space, mixed, drawn)
        assert len(found) == 4 and len({repr(architecture) for architecture, _ in found}) == 4
        for architecture, kept in found:
            assert why_not(space, Candidate(architecture, Recipe())) is None
            assert {name for name in kept.values() if name} <= {n for row in gates(mixed).values() for n in row}
        asked, prior = questions(space), prior_of(mixed, drawn)
        assert prior and all(Prior(prior).weights(path, asked[path]) for path in prior)


def test_numbers_take_their_largest_value_inside_an_option_and_their_middle_one_elsewhere() -> None:
    mixed = mixture(SPACE)
    assert mixed.body.width == 16 and len(mixed.body.layers) == 3
    mixer = mixed.body.layers[1].mixer
    assert isinstance(mixer, Mixed) and mixer.path == MIXER.format(1) and mixer.labels == ("gru", "conv", "skip")
    assert mixer.options == (Gru(32, False), Conv(31, 1, False), Skip())


def test_the_strongest_options_are_derived_and_then_the_cheapest_change() -> None:
    mixed = mixture(SPACE)
    given = {MIXER.format(0): [0.6, 0.3, 0.1], MIXER.format(1): [0.1, 0.4, 0.5], MIXER.format(2): [0.2, 0.7, 0.1]}
    mixers = [[type(layer.mixer) for layer in a.body.layers] for a, _ in derived(SPACE, mixed, given, 3)]
    assert mixers == [[Gru, Skip, Conv], [Gru, Conv, Conv], [Conv, Skip, Conv]]
    assert prior_of(mixed, given)[MIXER.format(0)] == {"gru": 0.6, "conv": 0.3, "skip": 0.1}


def test_of_a_cells_node_the_two_strongest_edges_are_derived_and_none_is_no_operation() -> None:
    cell = cells(("sep3", "identity", "none"), ("add", "concat"), combinations=2)
    mixed = mixture(vary(CellNetwork, stem=Words(), normal=cell, reduction=cell, readout=Mean(), head=Mlp(0)))
    normal = next(mixtures(mixed))
    assert isinstance(normal, MixedCell) and normal.path == "/normal" and len(gates(mixed)) == 2 * (2 + 3)
    given = {path: [0.1, 0.1, 0.9] for path in gates(mixed)}
    given |= {normal.edge(1, 0): [0.2, 0.1, 0.0], normal.edge(1, 2): [0.0, 0.6, 0.0]}
    _, second = normal.decisions(given)
    assert second[0].answers == {
        f"/normal/combinations/1/{name}": value
        for name, value in (("one", "0"), ("first", "sep3"), ("two", "2"), ("second", "identity"))
    }
    assert second[0].kept == {normal.edge(1, 0): "sep3", normal.edge(1, 1): None, normal.edge(1, 2): "identity"}


def test_a_space_that_cannot_be_mixed_is_refused() -> None:
    for name in ("bert-head", "nas-bench-nlp"):
        with pytest.raises(SpaceError, match=r"Nothing in this space can be mixed\. .* Use --strategy evolution"):
            mixture(named(name))
    with pytest.raises(SpaceError, match="Cells on images are not mixed"):
        mixture(named("nasnet-2d"))
    with pytest.raises(SpaceError, match="Nothing in this space can be mixed"):
        mixture(vary(Network, stem=Words(), body=vary(Body, layers=()), readout=Mean(), head=Mlp(0)))


def test_a_collapse_onto_skips_is_said() -> None:
    def network(*mixers: object) -> Network:
        return Network(Words(), Body(tuple(Layer(m, FeedForward()) for m in mixers), 16), Mean(), Mlp(0))

    assert nothings(SPACE, network(Skip(), Gru(8), Skip())) == (2, 3)
    assert "collapsed onto skips: 2 of 3 operations compute nothing" in str(
        collapse(SPACE, network(Skip(), Gru(8), Skip()))
    )
    assert collapse(SPACE, network(Gru(8), Conv(3), Skip())) == ""


def test_a_training_says_what_it_does_not_know() -> None:
    assert set(DARTS) == {"darts", "darts-2nd", "pc-darts", "fair-darts", "r-darts", "darts-pt"}
    with pytest.raises(SpaceError, match=r"Darts\(order=3\) is not known. Give one of: 1, 2."):
        Darts(order=3)
    with pytest.raises(SpaceError, match=r'gate=\'sigmid\'\) is not known. Did you mean "sigmoid"\?'):
        Darts(gate="sigmid")


def test_a_mixture_is_shown_by_the_name_of_its_training() -> None:
    assert line(Supernet(SPACE, DARTS["pc-darts"])).endswith("networks, pc-darts")
    assert line(Supernet(SPACE, Darts(order=2, partial=4))).endswith("networks, darts 2 partial 4")
