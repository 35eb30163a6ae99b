"""The stem of a pretrained encoder: cached or computed the same, thawing changes nothing but what trains."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from seqwright.arch.encoders import Frozen, Lora, Pretrained, Tuned, cuts
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import AttentionPool, Body, Mean, Mlp, Network
from seqwright.data.checkpoint import locate
from seqwright.errors import SeqwrightError, SpaceError
from seqwright.nn import build
from seqwright.nn.cost import cost
from seqwright.nn.encoders import shared
from seqwright.nn.pretrained import PretrainedStem
from seqwright.nn.stems import stem
from seqwright.nn.trained import restore, trained
from seqwright.testing.encoder import tiny_encoder

TUNINGS = (Frozen(), Tuned(0.5, 1e-4, 0.8), Tuned(1.0), Lora(4))
NETWORK = Network(Pretrained("", 1, Tuned(0.5)), Body((), width=16, statistics="batch"), AttentionPool(), Mlp(1, 8))


@pytest.fixture(scope="module", params=("bert", "albert", "xlnet", "gpt2", "llama"))
def interface(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Interface:
    return of(tiny_encoder(tmp_path_factory.mktemp(request.param), request.param))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Interface:
    return of(tiny_encoder(tmp_path_factory.mktemp("bert")))


def of(folder: Path) -> Interface:
    c = locate(folder)
    stream = Stream("pieces", c.vocabulary, 32, str(c.folder), c.digest, c.depth, c.width)
    return Interface(tuple((f"pretrained{side}", stream) for side in ("", ".a", ".b")), 3, sides=2)


def batch(interface: Interface, side: str = "") -> dict[str, Tensor]:
    ids = torch.randint(5, 60, (3, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(9) < torch.tensor([[9], [5], [2]])
    return {f"pretrained{side}": ids.masked_fill(~mask, 0), f"pretrained{side}.mask": mask}


def states(interface: Interface, given: dict[str, Tensor]) -> dict[int, Tensor]:
    encoder = shared(interface.stream("pretrained").source, "cpu")
    return encoder.states(given["pretrained"], given["pretrained.mask"], cuts=range(5))


def test_cuts_are_those_read_and_those_that_training_starts_from() -> None:
    assert cuts(Pretrained("", 1, Frozen()), 6) == (6,)
    assert cuts(Pretrained("", 4, Frozen()), 6) == (3, 4, 5, 6)
    assert cuts(Pretrained("", 1, Tuned(0.5)), 6) == (3, 6)
    assert cuts(Pretrained("", 4, Tuned(0.25)), 6, thawed=True) == (3, 4)
    assert cuts(Pretrained("", 2, Lora()), 6, thawed=False) == (5, 6)
    assert cuts(Pretrained("", 2, Lora()), 6, thawed=True) == ()  # the embeddings are not kept
    assert cuts(Pretrained("", 1, Tuned(1.0)), 6) == (6,)
    assert cuts(Pretrained("", 4, Tuned(0.25)), 2) == (1, 2)


@pytest.mark.parametrize("tuning", TUNINGS, ids=lambda t: f"{type(t).__name__}{getattr(t, 'share', '')}")
@pytest.mark.parametrize("layers", (1, 2, 4))
def test_cached_computed_and_thawed_are_the_same(interface: Interface, tuning: object, layers: int) -> None:
    module = stem(Pretrained("", layers, tuning), interface, None).eval()
    assert isinstance(module, PretrainedStem)
    given = batch(interface)
    kept = states(interface, given)
    real = given["pretrained.mask"]
    expected = torch.cat([kept[cut] for cut in range(5 - layers, 5)], -1)
    for thawed in (False, True):
        if thawed:
            module.thaw()
            module.eval()
        cached = {f"pretrained@{cut}": kept[cut] for cut in module.cuts}
        without_ids = {"pretrained.mask": real, "pretrained@0": kept[0]} | cached
        for source in (given, given | cached, without_ids):
            x, mask = module(source)
            torch.testing.assert_close(x[real], expected[real])
            assert torch.equal(mask, real)
    assert module.width == expected.shape[-1] == 32 * layers


@pytest.mark.parametrize("tuning", TUNINGS[1:], ids=lambda t: f"{type(t).__name__}{getattr(t, 'share', '')}")
def test_what_thaws_learns_and_the_shared_encoder_does_not(interface: Interface, tuning: object) -> None:
    module = stem(Pretrained("", 1, tuning), interface, None)
    assert isinstance(module, PretrainedStem)
    given = batch(interface)
    encoder = shared(interface.stream("pretrained").source, "cpu")
    before = {n: p.clone() for n, p in encoder.named_parameters()}
    assert not any(p.requires_grad for p in module.parameters())
    module.thaw()
    module.thaw()
    rates = list(module.learning_rates())
    learn = [p for p in module.parameters() if p.requires_grad]
    assert {id(p) for group, _ in rates for p in group} == {id(p) for p in learn}
    assert sum(len(group) for group, _ in rates) == len(learn)
    optimizer = torch.optim.SGD([{"params": group, "lr": 100 * rate} for group, rate in rates])
    losses = []
    module.eval()
    for _ in range(5):
        x, mask = module(given)
        loss = (x[mask] - 1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert all(torch.equal(p, before[n]) and p.grad is None for n, p in encoder.named_parameters())
    other = stem(Pretrained("", 1, tuning), interface, None).eval()
    assert torch.equal(other(given)[0][mask], states(interface, given)[4][mask])


def test_rates_fall_from_the_top_down(bert: Interface) -> None:
    module = stem(Pretrained("", 1, Tuned(1.0, 1e-3, 0.5)), bert, None)
    assert [rate for _, rate in module.learning_rates()] == pytest.approx([1e-3, 5e-4, 2.5e-4, 1.25e-4])
    (top, _), *_ = module.learning_rates()
    assert {id(p) for p in top} == {id(p) for p in module.blocks[-1].parameters()}


def test_one_rate_for_encoder_and_head_is_the_recipe_s(bert: Interface) -> None:
    assert list(stem(Pretrained("", 1, Tuned(1.0, None)), bert, None).learning_rates()) == []
    assert stem(Pretrained("", 1, Frozen()), bert, None).thawed  # nothing to wait for
    assert not stem(Pretrained("", 1, Lora()), bert, None).thawed


def test_dropout_acts_in_layers_that_train_alone(bert: Interface) -> None:
    module, given = stem(Pretrained("", 1, Tuned(0.5)), bert, None).train(), batch(bert)
    assert torch.equal(module(given)[0], module(given)[0])
    module.thaw()
    assert not torch.equal(module(given)[0], module(given)[0])
    frozen = module._frozen(given, "pretrained", given["pretrained"], given["pretrained.mask"], None)
    assert torch.equal(frozen[2], states(bert, given)[2])
    module.eval()
    assert torch.equal(module(given)[0], module(given)[0])
    module.train()
    assert not torch.equal(module(given)[0], module(given)[0])


@pytest.mark.parametrize("tuning", TUNINGS, ids=lambda t: f"{type(t).__name__}{getattr(t, 'share', '')}")
def test_only_what_was_learned_is_kept_and_restored(bert: Interface, tuning: object) -> None:
    spec = Network(Pretrained("", 2, tuning), *[getattr(NETWORK, f) for f in ("body", "readout", "head")])
    network, given = build(spec, bert), batch(bert)
    head = trained(network)
    assert not any("blocks" in name for name in head)
    network.stem.thaw()
    kept = trained(network)
    assert set(head) <= set(kept)
    with torch.no_grad():
        for value in kept.values():
            if value.is_floating_point():
                value.add_(torch.randn_like(value) * 0.1)
    torch.manual_seed(99)
    other = build(spec, bert)
    restore(other, {name: value.clone() for name, value in kept.items()})
    assert torch.equal(other.eval()(given), network.eval()(given))
    largest = sum(p.numel() for p in shared(bert.stream("pretrained").source, "cpu").parameters())
    assert sum(v.numel() for v in kept.values()) < largest
    with pytest.raises(SeqwrightError, match="is missing"):
        restore(other, dict(list(kept.items())[1:]))
    with pytest.raises(SeqwrightError, match="is not in the network"):
        restore(other, {**kept, "more": torch.zeros(1)})


def test_a_projection_to_another_width_and_two_sides(bert: Interface) -> None:
    network = build(Network(Pretrained("", 2), Body((), width=16), Mean(), Mlp(0), "compared"), bert)
    assert isinstance(network.stem.projection, nn.Linear)
    sides = batch(bert, ".a") | batch(bert, ".b")
    assert network(sides).shape == (3, 3)


def test_cost_counts_the_encoder_wherever_it_lies(bert: Interface) -> None:
    whole = sum(p.numel() for p in shared(bert.stream("pretrained").source, "cpu").parameters())
    counts = []
    for tuning in TUNINGS[:3]:
        spec = Network(Pretrained("", 1, tuning), Body((), width=32), Mean(), Mlp(0))
        counts.append(cost(spec, bert))
    assert {c["parameters"] for c in counts} == {counts[0]["parameters"]}
    assert counts[0]["parameters"] - whole == 3 * 33  # the logits
    assert len({c["flops"] for c in counts}) == 1
    assert counts[0]["flops"] > 0
    nowhere = Interface(tuple((n, Stream("pieces", 100, 32, depth=2, width=64)) for n, _ in bert.streams), 3)
    assert cost(NETWORK, nowhere)["parameters"] > 2 * 12 * 64 * 64
    with pytest.raises(SpaceError, match="names no checkpoint"):
        build(Network(Pretrained(), Body(()), Mean()), nowhere)(batch(bert))


def test_another_encoder_and_an_unknown_tuning_are_refused(bert: Interface) -> None:
    with pytest.raises(SpaceError, match=r"reads the encoder 000000000000.*prepared for"):
        stem(Pretrained("000000000000"), bert, None)
    with pytest.raises(SpaceError, match="Use Frozen"):
        stem(Pretrained("", 1, "all"), bert, None)
    with pytest.raises(SpaceError, match='"pretrained", which the data does not give'):
        stem(Pretrained(), Interface((("words", Stream("tokens", 9)),), 2), None)
