"""The stages of a head against torch's own layers and plain loops, text by text without padding."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqwright.arch.blocks import Conv, Skip
from seqwright.arch.encoders import AttentionStage, ConvStage, Dense, RecurrentStage
from seqwright.errors import SpaceError
from seqwright.nn import Context
from seqwright.nn.headed import HeadModule
from seqwright.nn.stages import ACTIVATIONS, stage

LENGTHS = [7, 4, 1]
MASK = torch.arange(7) < torch.tensor(LENGTHS)[:, None]
WIDTH = 12


@pytest.fixture
def x() -> Tensor:
    torch.manual_seed(3)
    return torch.randn(3, 7, WIDTH, dtype=torch.float64)


def made(spec: object, inputs: int = WIDTH, act: str = "relu", dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(4)
    module = stage(spec, inputs, WIDTH, act, dropout).double()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.4)
    return module


def check(module: nn.Module, x: Tensor, expected: list[Tensor], mask: Tensor = MASK) -> None:
    y = module(x, Context(mask))
    assert y.shape == (*x.shape[:2], module.outputs)
    for row, want, length in zip(y, expected, LENGTHS, strict=True):
        torch.testing.assert_close(row[:length], want, rtol=1e-9, atol=1e-9)


def texts(x: Tensor) -> list[Tensor]:
    return [row[:length] for row, length in zip(x, LENGTHS, strict=True)]


@pytest.mark.parametrize("heads", [1, 4])
@pytest.mark.parametrize("act", ["relu", "gelu"])
def test_attention_is_torchs_post_norm_layer_along_each_text(x: Tensor, heads: int, act: str) -> None:
    module = made(AttentionStage(heads, 2), act=act)
    theirs = [nn.TransformerEncoderLayer(WIDTH, heads, WIDTH, 0.0, act, batch_first=True).double() for _ in range(2)]
    for ours, layer in zip(module.layers, theirs, strict=True):
        parts = (ours.query, ours.key, ours.value)
        layer.load_state_dict(
            {
                "self_attn.in_proj_weight": torch.cat([p.weight for p in parts]),
                "self_attn.in_proj_bias": torch.cat([p.bias for p in parts]),
                **{f"self_attn.out_proj.{k}": v for k, v in ours.output.state_dict().items()},
                **{f"linear1.{k}": v for k, v in ours.enter.state_dict().items()},
                **{f"linear2.{k}": v for k, v in ours.leave.state_dict().items()},
                **{f"norm1.{k}": v for k, v in ours.norm_attention.state_dict().items()},
                **{f"norm2.{k}": v for k, v in ours.norm_feedforward.state_dict().items()},
            }
        )
    check(module, x, [theirs[1](theirs[0](text[None]))[0] for text in texts(x)])


def test_several_layers_of_the_encoder_are_mapped_to_its_width_before_attention() -> None:
    module = made(AttentionStage(4, 1), inputs=3 * WIDTH)
    x = torch.randn(3, 7, 3 * WIDTH, dtype=torch.float64)
    alone = made(AttentionStage(4, 1))
    alone.load_state_dict({k: v for k, v in module.state_dict().items() if not k.startswith("project")})
    check(module, x, texts(alone(module.project(x), Context(MASK))))


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("kernel", [3, 11])
def test_convolution_is_the_plain_loop(x: Tensor, kernel: int, layers: int, skip: bool) -> None:
    module = made(ConvStage(5, layers, kernel, skip))
    reach = kernel // 2

    def convolved(text: Tensor, layer: nn.Module) -> Tensor:
        steps = []
        for t in range(len(text)):
            total = layer.bias.clone()
            for k in range(kernel):
                if 0 <= t + k - reach < len(text):
                    total = total + layer.weight[:, :, k] @ text[t + k - reach]
            steps.append(F.relu(total))
        return torch.stack(steps)

    expected = []
    for text in texts(x):
        first = h = convolved(text, module.layers[0])
        for layer in module.layers[1:]:
            h = convolved(h, layer)
        expected.append(first + h if skip and layers > 1 else h)
    check(module, x, expected)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_recurrence_is_torchs_over_each_text_alone(x: Tensor, cell: str, layers: int, bidirectional: bool) -> None:
    module = made(RecurrentStage(cell, 5, layers, bidirectional))
    theirs = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](WIDTH, 5, layers, batch_first=True, bidirectional=bidirectional)
    state = {}
    for ours, ending in ((module.ahead, ""), (module.back, "_reverse")):
        for i, each in enumerate(ours):
            state |= {f"{name[:-1]}{i}{ending}": value for name, value in each.state_dict().items()}
    theirs.double().load_state_dict(state)
    check(module, x, [theirs(text[None])[0][0] for text in texts(x)])


@pytest.mark.parametrize(
    "spec", [AttentionStage(2, 2), ConvStage(7, 2, 5, True), RecurrentStage("gru", 5, 2, True)], ids=repr
)
def test_nothing_of_the_padding_is_seen_and_no_step_may_be_real(x: Tensor, spec: object) -> None:
    module = made(spec).eval()
    noisy = torch.where(MASK[..., None], x, torch.randn_like(x) * 100)
    longer, mask = F.pad(noisy, (0, 0, 0, 5), value=9.0), F.pad(MASK, (0, 5))
    y, again = module(x, Context(MASK)), module(longer, Context(mask))[:, :7]
    torch.testing.assert_close(y[MASK], again[MASK], rtol=1e-9, atol=1e-9)
    nobody = module(x, Context(torch.zeros_like(MASK)))
    assert nobody.isfinite().all()


@pytest.mark.parametrize("layers", [1, 2, 4])
@pytest.mark.parametrize("act", ["relu", "gelu", "tanh"])
def test_the_dense_stack_ends_in_plain_logits(layers: int, act: str) -> None:
    torch.manual_seed(5)
    module = HeadModule(Dense(layers, 6), WIDTH, 3, ACTIVATIONS[act], norm=True)
    x = torch.randn(50, WIDTH)
    h = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    for layer in module.dense.hidden:
        h = getattr(torch if act == "tanh" else F, act)(h @ layer.weight.T + layer.bias)
    h = h @ module.dense.output.weight.T + module.dense.output.bias
    torch.testing.assert_close(module(x), h)
    assert len(module.dense.hidden) == layers - 1
    assert (module(x) < 0).any() and (module(x).sum(-1) - 1).abs().max() > 0.01


def test_stages_drop_in_training_only(x: Tensor) -> None:
    for spec in (AttentionStage(2, 1), RecurrentStage("lstm", 5, 2)):
        module = made(spec, dropout=0.5)
        assert not torch.equal(module.train()(x, Context(MASK)), module(x, Context(MASK)))
        assert torch.equal(module.eval()(x, Context(MASK)), module(x, Context(MASK)))


def test_what_cannot_be_built_is_explained() -> None:
    assert stage(Skip(), 8, 8, "relu", 0.0) is None
    with pytest.raises(SpaceError, match=r"heads=8\) cannot divide the encoder's width of 12. Use one of: 1, 2, 4\."):
        made(AttentionStage(8, 1))
    with pytest.raises(SpaceError, match=r'"glu" is not known. Did you mean "gelu"\? Use one of: relu, gelu, tanh'):
        made(AttentionStage(1, 1), act="glu")
    with pytest.raises(SpaceError, match=r'cell="rnn" is not known\. Use "lstm" or "gru"'):
        made(RecurrentStage("rnn"))
    with pytest.raises(SpaceError, match="No stage is registered for Conv"):
        made(Conv())
