"""What a person sees: the line, the tree, the drawings."""

from itertools import product
from random import Random
from xml.etree import ElementTree

import pytest

from seqwright.arch.blocks import Conv, FeedForward, Lstm, Parallel, Skip
from seqwright.arch.draw import mermaid, svg
from seqwright.arch.network import Body, Last, Layer, Mean, Mlp, Network, Words
from seqwright.arch.portfolio import portfolio
from seqwright.arch.show import line, tree
from seqwright.arch.spaces import describe, named
from seqwright.space.moves import sample

LAYER = Layer(Lstm(64, bidirectional=True), FeedForward(4))
NETWORK = Network(
    Words(),
    Body((LAYER, LAYER, Layer(Parallel((Conv(3), Conv(5, dilation=2))), Skip())), width=64, norm="post"),
    Last(),
    Mlp(1, 64),
)


def test_the_line() -> None:
    assert line(NETWORK) == (
        "words > 2 x [lstm 64 bidirectional + feedforward 4] > [parallel (conv 3 | conv 5 dilation 2) + skip] > last "
        "> mlp 1 x 64, width 64, post norm"
    )
    assert line(portfolio("pairs")[0][1]) == "ngrambag > mean, width 64, compared"
    assert line(Network(Words(), Body((LAYER,), norm="none", statistics="batch"), Mean())).endswith(
        "width 128, no norm"
    )


def test_the_tree() -> None:
    assert tree(NETWORK).splitlines() == [
        "network  pairing=joined",
        "├── stem: words",
        "├── body: body  width=64 norm=post statistics=layer",
        "│   └── layers:",
        "│       ├── 0: layer",
        "│       │   ├── mixer: lstm  hidden=64 bidirectional=True",
        "│       │   └── channel: feedforward  expand=4",
        "│       ├── 1: layer",
        "│       │   ├── mixer: lstm  hidden=64 bidirectional=True",
        "│       │   └── channel: feedforward  expand=4",
        "│       └── 2: layer",
        "│           ├── mixer: parallel",
        "│           │   └── branches:",
        "│           │       ├── 0: conv  kernel=3 dilation=1 depthwise=False",
        "│           │       └── 1: conv  kernel=5 dilation=2 depthwise=False",
        "│           └── channel: skip",
        "├── readout: last",
        "└── head: mlp  layers=1 width=64",
    ]
    assert "layers: none" in tree(Network(Words(), Body(()), Mean()))


def test_mermaid_has_a_node_for_every_record_and_an_arrow_for_every_flow() -> None:
    assert mermaid(Network(Words(), Body((LAYER,)), Mean())).splitlines() == [
        "flowchart TD",
        '  subgraph n0["network<br/>pairing joined"]',
        '    n1["words"]',
        '    subgraph n2["body<br/>width 128, norm pre, statistics layer"]',
        '      subgraph n3["layer"]',
        '        n4["lstm<br/>hidden 64, bidirectional"]',
        '        n5["feedforward<br/>expand 4"]',
        "      end",
        "    end",
        '    n6["mean"]',
        '    n7["mlp<br/>layers 0, width 128"]',
        "  end",
        "  n1 --> n4",
        "  n4 --> n5",
        "  n5 --> n6",
        "  n6 --> n7",
    ]


@pytest.mark.parametrize(("name", "seed"), [*product(sorted(describe()), range(10))])
def test_everything_can_be_shown_and_drawn(name: str, seed: int) -> None:
    candidate = sample(named(name), Random(seed))
    assert "\n" not in line(candidate)
    assert len(tree(candidate).splitlines()) >= 8
    assert mermaid(candidate).startswith("flowchart TD\n")
    root = ElementTree.fromstring(svg(candidate))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for box in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y = float(box.get("x", 0)), float(box.get("y", 0))
        assert x >= 0 and x + float(box.attrib["width"]) <= width + 0.01
        assert y >= 0 and y + float(box.attrib["height"]) <= height + 0.01


def test_equal_layers_are_drawn_once() -> None:
    drawing = svg(NETWORK)
    assert drawing.count(">lstm<") == 1 and ">2 times<" in drawing
    assert drawing.count(">conv<") == 2


def test_the_two_cells_of_a_network_are_told_apart() -> None:
    drawing = svg(portfolio("nasnet-2d")[0][1])
    assert drawing.count(">normal cell<") == drawing.count(">reduction cell<") == 1
