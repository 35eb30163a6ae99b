"""Pretrained encoders: a cut and the rest make the whole, as `transformers` has it, and padding is never seen."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModel

from seqwright.data.checkpoint import FAMILIES, locate
from seqwright.errors import InputError
from seqwright.nn.encoders import Encoder, quiet
from seqwright.nn.families import FAMILIES as KNOWN
from seqwright.testing.encoder import tiny_encoder

DEPTH = 4


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp(request.param), request.param)


def some(folder: Path, lengths: tuple[int, ...] = (9, 5, 2)) -> tuple[Tensor, Tensor]:
    ids = torch.randint(
        5, locate(folder).vocabulary, (len(lengths), max(lengths)), generator=torch.Generator().manual_seed(1)
    )
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return ids.masked_fill(~mask, 0), mask


def segments_of(mask: Tensor) -> Tensor:
    return (torch.arange(mask.shape[1]) >= 1).long().expand(mask.shape)


def test_every_family_has_its_parts() -> None:
    assert set(KNOWN) == set(FAMILIES)


@torch.no_grad()
def test_states_are_those_of_transformers(folder: Path) -> None:
    encoder, (ids, mask) = Encoder.read(folder), some(folder)
    states = encoder.states(ids, mask, cuts=range(DEPTH + 1))
    with quiet():
        model = AutoModel.from_pretrained(folder).eval()
    attended = mask.float() if model.config.model_type == "xlnet" else mask.long()
    given = model(input_ids=ids, attention_mask=attended, output_hidden_states=True)
    for cut, expected in enumerate([*given.hidden_states[:DEPTH], given.last_hidden_state]):
        torch.testing.assert_close(states[cut][mask], expected[mask])
    assert float((states[DEPTH] - states[DEPTH - 1]).abs().mean()) > 0.05  # a layer does something


@torch.no_grad()
def test_segments_are_heard_as_by_transformers(folder: Path) -> None:
    encoder, (ids, mask) = Encoder.read(folder), some(folder)
    if encoder.model.config.model_type not in ("bert", "albert", "electra", "xlnet"):
        pytest.skip("this family has no segments")
    with quiet():
        model = AutoModel.from_pretrained(folder).eval()
    attended = mask.float() if model.config.model_type == "xlnet" else mask.long()
    expected = model(input_ids=ids, attention_mask=attended, token_type_ids=segments_of(mask)).last_hidden_state
    found = encoder.states(ids, mask, segments_of(mask), cuts=[DEPTH])[DEPTH]
    torch.testing.assert_close(found[mask], expected[mask])
    assert not torch.allclose(found[mask], encoder.states(ids, mask, cuts=[DEPTH])[DEPTH][mask], atol=1e-3)


@torch.no_grad()
def test_continuing_from_a_cut_is_going_straight(folder: Path) -> None:
    encoder, (ids, mask) = Encoder.read(folder), some(folder)
    segments = segments_of(mask)
    straight = encoder.states(ids, mask, segments, cuts=range(DEPTH + 1))
    for cut in range(DEPTH + 1):
        onward = encoder.states(None, mask, segments, cuts=range(cut, DEPTH + 1), start=(cut, straight[cut]))
        assert sorted(onward) == list(range(cut, DEPTH + 1))
        for later, states in onward.items():
            assert torch.equal(states, straight[later])


@torch.no_grad()
def test_padding_is_never_seen(folder: Path) -> None:
    encoder, (ids, mask) = Encoder.read(folder), some(folder)
    together = encoder.states(ids, mask, cuts=[DEPTH])[DEPTH]
    other = encoder.states(ids.masked_fill(~mask, 7), mask, cuts=[DEPTH])[DEPTH]
    for row, length in enumerate(mask.sum(1).tolist()):
        alone = encoder.states(ids[row : row + 1, :length], mask[row : row + 1, :length], cuts=[DEPTH])[DEPTH][0]
        torch.testing.assert_close(together[row, :length], alone)
        assert torch.equal(other[row, :length], together[row, :length])
    empty = encoder.states(ids, torch.zeros_like(mask), cuts=[DEPTH])[DEPTH]
    assert empty.isfinite().all()


@torch.no_grad()
def test_causal_ones_see_no_later_step_and_others_do(folder: Path) -> None:
    encoder, (ids, mask) = Encoder.read(folder), some(folder)
    changed = ids.clone()
    changed[0, -1] = ids[0, -1] + 1 if ids[0, -1] < 50 else 5
    before, after = (encoder.states(i, mask, cuts=[DEPTH])[DEPTH][0, 0] for i in (ids, changed))
    assert torch.equal(before, after) == encoder.causal
    assert encoder.cls_at == ("last" if encoder.causal or encoder.model.config.model_type == "xlnet" else "first")


@torch.no_grad()
def test_half_precision_keeps_the_residual_stream_whole(folder: Path) -> None:
    encoder, (ids, mask) = Encoder.read(folder), some(folder)
    exact = encoder.states(ids, mask, cuts=range(DEPTH + 1))
    with torch.autocast("cpu", torch.bfloat16):
        rough = encoder.states(ids, mask, cuts=range(DEPTH + 1))
    for cut, states in rough.items():
        assert states.dtype == torch.float32
        assert float((states - exact[cut])[mask].abs().max()) < 0.05


def test_reading_leaves_the_random_numbers_alone(folder: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    Encoder.read(folder)
    assert torch.equal(torch.rand(4), expected)


def test_stays_frozen_and_in_evaluation_mode(folder: Path) -> None:
    encoder = Encoder.read(folder).train()
    assert not any(p.requires_grad for p in encoder.parameters())
    assert not any(module.training for module in encoder.model.modules())
    shapes = {n: p.shape for n, p in encoder.named_parameters()}
    assert {n: p.shape for n, p in Encoder.read(folder, "meta").named_parameters()} == shapes


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    folder = tiny_encoder(tmp_path / "a")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"num_hidden_layers": 4', '"num_hidden_layers": 5'))
    with pytest.raises(InputError, match=r"lack encoder\.layer\.4"):
        Encoder.read(folder)
    (folder / "config.json").write_text(config.replace('"intermediate_size": 64', '"intermediate_size": 32'))
    with pytest.raises(InputError, match="anew"):
        Encoder.read(folder)
    shutil.rmtree(folder)
    with pytest.raises(InputError, match="no pretrained encoder in"):
        Encoder.read(folder)
