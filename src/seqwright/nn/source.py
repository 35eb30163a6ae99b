"""An architecture as one readable PyTorch file: exactly the modules it uses, and no Seqwright.

The classes of its blocks are copied from the modules that `build` uses, with all they stand on; the few that join
them (layers, body, head, model) are written for the one architecture, so no choice is left open in the file.
"""

import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from seqwright.arch.candidate import Candidate
from seqwright.arch.cells import CellNetwork
from seqwright.arch.encoders import HeadedEncoder
from seqwright.arch.interface import Interface, Stream
from seqwright.arch.network import Network
from seqwright.arch.show import line, tree
from seqwright.nn.cost import cost
from seqwright.nn.role import Context
from seqwright.nn.source_blocks import spec_class
from seqwright.nn.source_cells import cell_definitions
from seqwright.nn.source_code import gathered, joined_imports, needed_imports
from seqwright.nn.source_headed import headed_file
from seqwright.nn.source_parts import (
    LAYER,
    PARALLEL,
    STREAM,
    body_class,
    head_class,
    model_class,
    parts,
    residual_class,
)

_TOP = '''"""{line}

{tree}

{parameters:,} parameters; {flops:,} floating-point operations for the longest example. This file needs nothing but
torch. B is the batch, T the steps, D the width; a mask, (B, T), is true at real steps, which come before all padding.
"""'''

_USAGE = """if __name__ == "__main__":
    model = Model().eval()
    # The trained weights lie in the bundle. It may hold several networks, and "0/" marks those of the first:
    #   from safetensors.torch import load_file
    #   tensors = load_file("best/weights.safetensors")
    #   model.load_state_dict({{n.removeprefix("0/"): t for n, t in tensors.items() if n.startswith("0/")}})
    batch = {{
{batch}
    }}
    print(model(batch).softmax(-1))"""


def as_torch(architecture: Any, interface: Interface) -> str:
    """One Python file that defines the network as ``Model(dropout=0.0)`` and needs nothing but torch.

    A head on a pretrained encoder needs transformers besides. The state dict has the names that
    ``build(architecture, interface)`` gives, so a bundle's weights load into it.
    An architecture or a candidate may be given.

    Raises:
        SpaceError: the architecture does not suit the interface, or has a block that cannot be written
            (register that with ``@written.register``, see `seqwright.nn.source_blocks`).
    """
    network = architecture.architecture if isinstance(architecture, Candidate) else architecture
    if isinstance(network, HeadedEncoder):
        return headed_file(network, interface)
    counted = cost(network, interface)  # builds it, so an unsuitable one is refused here
    top = _TOP.format(line=textwrap.fill(line(network), 117), tree=tree(network), **counted)
    usage = _USAGE.format(batch="\n".join(f"        {entry}," for entry in _example(network, interface)))
    cells = isinstance(network, CellNetwork)
    imports, definitions = cell_definitions(network, interface) if cells else _definitions(network, interface)
    imports += needed_imports(usage)
    return "\n\n\n".join([top + "\n\n" + joined_imports(imports), *definitions, usage]) + "\n"


def _definitions(network: Network, interface: Interface) -> tuple[list[str], list[str]]:
    """The import lines and the definitions of a file, the last of them the class `Model`."""
    calls = parts(network, interface)
    used = [item for call in calls.values() for item in call.uses()]
    copied = [item for item in used if inspect.isclass(item)]
    if "body" in calls:
        copied.insert(0, Context)
    given = {type(spec).__name__: spec_class(spec) for spec in _specs(network)} | {"Stream": STREAM}
    imports, definitions = gathered(dict.fromkeys(copied), given)

    definitions += [PARALLEL] if "Parallel" in used else []
    if "body" in calls:
        definitions += [residual_class(network.body), LAYER, body_class(network.body)]
    definitions += [head_class(network.head), model_class(network, interface, calls)]
    return [*imports, *(imported for text in definitions for imported in needed_imports(text))], definitions


def _specs(value: Any) -> Iterator[Any]:
    """Every record within an architecture, itself included."""
    if is_dataclass(value):
        yield value
        value = tuple(getattr(value, f.name) for f in fields(value))
    if isinstance(value, tuple):
        for part in value:
            yield from _specs(part)


def _example(network: Network | CellNetwork, interface: Interface) -> Iterator[str]:
    """The entries of a batch of two random examples, as source."""
    for name in network.streams:
        base = name.removesuffix(".a").removesuffix(".b")
        yield f'"{name}": {_random(interface.stream(base))}'
        if interface.stream(base).form in ("tokens", "channels"):
            yield f'"{name}.mask": torch.ones(2, 12, dtype=torch.bool)'
        if interface.stream(base).form == "bag":
            yield f'"{name}.weight": torch.rand(2, 30)'


def _random(stream: Stream) -> str:
    match stream.form:
        case "tokens" | "pieces":
            return f"torch.randint(3, {stream.size}, (2, 12))"
        case "characters":
            return f"torch.randint(1, {stream.size}, (2, 12, 8))"
        case "bag":
            return f"torch.randint(1, {stream.size}, (2, 30))"
        case "channels":
            return f"torch.randn(2, 12, {stream.size})"
        case "features":
            return f"torch.randn(2, {stream.size})"
        case "image":
            return f"torch.randn(2, {stream.size}, {stream.height}, {stream.width})"
