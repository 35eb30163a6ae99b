import time

import pytest

from seqwright.arch.blocks import Attention, Conv, FeedForward, Gru, Lstm, MinGru, Skip, Ssm
from seqwright.arch.encoders import Dense, Frozen, HeadedEncoder, Pretrained, Tuned
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import Body, Channels, KernelFeatures, Layer, Mean, Mlp, Network, NgramBag, Words
from seqwright.arch.portfolio import portfolio
from seqwright.data.checkpoint import locate
from seqwright.nn.cost import _counted, cost
from seqwright.testing.encoder import tiny_encoder

V, T, D, C, H = 50, 10, 16, 3, 8
INTERFACE = Interface(
    (
        ("words", Stream("tokens", V, T)),
        ("subwords", Stream("tokens", V, T)),
        ("word_characters", Stream("characters", V, T)),
        ("ngrams", Stream("bag", V)),
        ("channels", Stream("channels", 2, T)),
        ("kernels", Stream("features", 20)),
    ),
    C,
)
HEAD = D * C + C  # parameters of the head without hidden layers
MEAN = 2 * T * D  # the mean over steps is a product with the weights 1 / T


def network(mixer: object, **body: object) -> Network:
    return Network(Words(), Body((Layer(mixer, Skip()),), width=D, norm="none", **body), Mean(), Mlp(layers=0))


COUNTED_BY_HAND = [  # parameters of the block, multiply-adds of one of its steps
    (FeedForward(expand=2), 2 * (2 * D * D) + 3 * D, 4 * D * D),
    (Conv(kernel=5), 5 * D * D + D, 5 * D * D),
    (Conv(kernel=5, depthwise=True), 5 * D + D + D * D + D, 5 * D + D * D),
    (Gru(hidden=H), 3 * (H * (D + H) + 2 * H) + H * D + D, 3 * H * (D + H) + H * D),
    (Lstm(hidden=H), 4 * (H * (D + H) + 2 * H) + H * D + D, 4 * H * (D + H) + H * D),
    (Lstm(hidden=H, bidirectional=True), 8 * (H * (D + H) + 2 * H) + 2 * H * D + D, 8 * H * (D + H) + 2 * H * D),
    (MinGru(hidden=H), 2 * H * (D + 1) + H * D + D, 3 * H * D),
    (Ssm(state=H), 2 * H * (D + 1) + 2 * D * (2 * H + 1) + 2 * H, 6 * H * D),
    (Attention(heads=1), 3 * 32 * (D + 1) + 32 * D + D, 4 * 32 * D + 2 * 32 * T),
]


@pytest.mark.parametrize(("mixer", "parameters", "macs"), COUNTED_BY_HAND, ids=lambda x: getattr(x, "__name__", str(x)))
def test_blocks_cost_what_a_hand_counts(mixer: object, parameters: int, macs: int) -> None:
    counted = cost(network(mixer), INTERFACE)
    assert counted["parameters"] == V * D + parameters + HEAD
    assert counted["flops"] == 2 * T * macs + MEAN + 2 * D * C


def test_length_counts_linearly_but_for_attention() -> None:
    flops = {t: cost(network(Lstm(hidden=H)), INTERFACE, t)["flops"] - 2 * D * C for t in (1, 5, 10)}
    assert flops[5] == 5 * flops[1]
    assert flops[10] == 10 * flops[1]
    attended = {t: cost(network(Attention(heads=1)), INTERFACE, t)["flops"] for t in (5, 10)}
    assert attended[10] > 2 * attended[5]
    assert cost(network(Lstm(hidden=H)), INTERFACE, 99) == cost(network(Lstm(hidden=H)), INTERFACE)  # T at most


@pytest.mark.parametrize(
    ("stem", "parameters", "macs"),
    [(NgramBag(), V * D, D), (KernelFeatures(), 20 * D + D, 20 * D + D), (Channels(3, 1), 6 * D + D, T * 7 * D)],
    ids=str,
)
def test_stems(stem: object, parameters: int, macs: int) -> None:
    counted = cost(Network(stem, Body((), width=D), Mean(), Mlp(layers=0)), INTERFACE)
    assert counted == {"parameters": parameters + HEAD, "flops": 2 * (macs + D * C)}


def test_a_norm_and_a_hidden_layer_are_parameters() -> None:
    plain = Network(Words(), Body((Layer(FeedForward(), Skip()),), width=32), Mean(), Mlp(layers=1, width=64))
    assert cost(plain, INTERFACE)["parameters"] == V * 32 + 2 * 64 + (4 * 32 * 32 + 96) + (33 * 64 + 65 * C)


def test_a_typical_network_is_counted_in_a_tenth_of_a_second() -> None:
    streams = tuple((name, Stream(s.form, 20_000 if s.size == V else s.size, 200)) for name, s in INTERFACE.streams)
    for name in ("text", "series"):
        for _, candidate in portfolio(name):
            elapsed = []
            for _ in range(3):
                begin = time.process_time()
                cost(candidate.architecture, Interface(streams, C))
                elapsed.append(time.process_time() - begin)
            assert min(elapsed) < 0.1, candidate


def test_heads_on_one_encoder_are_counted_as_networks(tmp_path) -> None:
    """An encoder is run once for all heads on it; the count is that of the whole network."""
    checkpoint = locate(tiny_encoder(tmp_path))
    stream = Stream(
        "pieces", checkpoint.vocabulary, 20, str(tmp_path), checkpoint.digest, checkpoint.depth, checkpoint.width
    )
    interface = Interface(tuple((name, stream) for name in ("pretrained", "pretrained.a", "pretrained.b")), C, sides=2)
    for pairing in ("joined", "compared"):
        for dense, norm in ((Dense(1), False), (Dense(3, 17), True), (Dense(2, 40), False)):
            stem = Pretrained(layers=2, tuning=Tuned(share=0.5) if norm else Frozen())
            head = HeadedEncoder(stem=stem, readout=Mean(), dense=dense, norm=norm, pairing=pairing, activation="gelu")
            assert cost(head, interface) == _counted(head, interface, None)
