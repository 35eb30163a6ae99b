"""A space of your own: only one- and two-layer recurrent networks over characters, narrow enough for a microcontroller.

Run as: python examples/own_space.py SPACE.json && seqwright fit DATA --space SPACE.json
"""

import json
import random
import sys
from pathlib import Path

from seqwright.arch import codec
from seqwright.arch.blocks import Gru, MinGru, Skip
from seqwright.arch.network import Body, Characters, Last, Layer, Mean, Mlp, Network
from seqwright.arch.show import line
from seqwright.arch.spaces import candidates
from seqwright.space.census import size
from seqwright.space.fill import why_not
from seqwright.space.moves import mutate, sample
from seqwright.space.nodes import Choice, Stack, one_of, vary

narrow = Choice((16, 32), ordered=True)
mixer = one_of(vary(Gru, hidden=narrow, bidirectional=False), vary(MinGru, hidden=narrow, bidirectional=False))
body = vary(Body, layers=Stack(vary(Layer, mixer=mixer, channel=Skip()), 1, 2), width=narrow)
SPACE = candidates(
    vary(Network, stem=Characters(), body=body, readout=one_of(Last, Mean), head=Mlp(layers=0), pairing="joined")
)

if __name__ == "__main__":
    rng = random.Random(0)
    drawn = sample(SPACE, rng)
    child, move = mutate(SPACE, drawn, rng)
    print(f"{size(SPACE):,} candidates, such as {line(drawn.architecture)}")
    print(f"one step away, by {move}: {line(child.architecture)}")
    wide = Network(Characters(), Body((Layer(Gru(hidden=256), Skip()),), width=32), Last(), Mlp(layers=0))
    print(f"not in it: {why_not(dict(SPACE.fields)['architecture'], wide)}")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(codec.space_to_data(SPACE), indent=1), encoding="utf-8")
