"""The classes that join blocks, written for one architecture: residual, layer, body, head and model."""

from seqwright.arch.interface import Interface
from seqwright.arch.network import Body, Mlp, Network, PerStep
from seqwright.nn.source_blocks import Call, norm, residual, written

STREAM = '''@dataclass(frozen=True)
class Stream:
    """One input, by its size: of a vocabulary or a hash table, or the number of its channels or features."""

    size: int'''

PARALLEL = '''class Parallel(nn.Module):
    """Blocks side by side, their outputs added."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        total = torch.zeros_like(x)
        for branch in self.branches:
            total = total + branch(x, context)
        return total'''

LAYER = '''class Layer(nn.Module):
    """A token mixer, then a channel mixer."""

    def __init__(self, mixer: nn.Module, channel: nn.Module) -> None:
        super().__init__()
        self.mixer, self.channel = mixer, channel

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return self.channel(self.mixer(x, context), context)'''

_RESIDUAL = '''class Residual(nn.Module):
    """A block on the residual stream: {0}."""

    def __init__(self, block: nn.Module, norm: nn.Module, dropout: float) -> None:
        super().__init__()
        self.block, self.norm, self.dropout = block, norm, nn.Dropout(dropout)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return {1}'''

_RESIDUAL_WITHOUT_NORM = '''class Residual(nn.Module):
    """A block on the residual stream: x + f(x)."""

    def __init__(self, block: nn.Module, dropout: float) -> None:
        super().__init__()
        self.block, self.dropout = block, nn.Dropout(dropout)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        return x + self.dropout(self.block(x, context))'''

_BODY = '''class Body(nn.Module):
    """The layers, one after the other."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, context: Context) -> Tensor:
        for layer in self.layers:
            x = layer(x, context)
        return x'''

_BODY_WITH_NORM = '''class Body(nn.Module):
    """The layers, one after the other, and a last norm."""

    def __init__(self, *layers: nn.Module, norm: nn.Module) -> None:
        super().__init__()
        self.layers, self.norm = nn.ModuleList(layers), norm

    def forward(self, x: Tensor, context: Context) -> Tensor:
        for layer in self.layers:
            x = layer(x, context)
        return self.norm(x, context.mask)'''

_LINEAR_HEAD = '''class Head(nn.Module):
    """A linear map to the logits."""

    def __init__(self, inputs: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.output = nn.Linear(inputs, classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.dropout(x))'''

_MLP_HEAD = '''class Head(nn.Module):
    """Hidden layers of GELU units, then a linear map to the logits."""

    def __init__(self, inputs: int, hidden: list[int], classes: int, dropout: float) -> None:
        super().__init__()
        sizes = [inputs, *hidden]
        self.hidden = nn.ModuleList(nn.Linear(size, units) for size, units in zip(sizes, hidden))
        self.output = nn.Linear(sizes[-1], classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = F.gelu(layer(self.dropout(x)))
        return self.output(self.dropout(x))'''

_MODEL = '''class Model(nn.Module):
    """A batch to logits, {shape}: {names}."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        width = {width}
{parts}
        self.dropout = nn.Dropout(dropout)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
{forward}

    def encode(self, batch: dict[str, Tensor], side: str = "") -> Tensor:
        """What the head reads of one input: {encoded}."""
        x, mask = self.stem(batch, side)
        x, mask = self.readout.enter(self.dropout(x), mask)
        return self.readout({body}, mask)'''

COMPARED = """        u, v = self.encode(batch, ".a"), self.encode(batch, ".b")
        return self.head(torch.cat([u, v, (u - v).abs(), u * v], dim=-1))"""


def residual_class(body: Body) -> str:
    if body.norm == "none":
        return _RESIDUAL_WITHOUT_NORM
    if body.norm == "pre":
        return _RESIDUAL.format("x + f(norm(x))", "x + self.dropout(self.block(self.norm(x, context.mask), context))")
    return _RESIDUAL.format("norm(x + f(x))", "self.norm(x + self.dropout(self.block(x, context)), context.mask)")


def body_class(body: Body) -> str:
    return _BODY_WITH_NORM if body.norm == "pre" else _BODY


def head_class(head: Mlp) -> str:
    return _MLP_HEAD if head.layers else _LINEAR_HEAD


def head_call(head: Mlp, compared: bool, interface: Interface) -> Call:
    """The constructor call of a head that reads `width` units, or four times as many of two inputs compared."""
    hidden = (f"[{', '.join([str(head.width)] * head.layers)}]",) if head.layers else ()
    inputs = "4 * width" if compared else "width"
    return Call("Head", (inputs, *hidden, f"classes={interface.classes}", "dropout=dropout"))


def parts(network: Network, interface: Interface) -> dict[str, Call]:
    """The parts of a model by the names of its attributes; a body that does nothing is left out."""
    compared, body = network.pairing == "compared", network.body
    layers = [
        Call("Layer", (residual(layer.mixer, body, interface), residual(layer.channel, body, interface)))
        for layer in body.layers
    ]
    last = (norm(body).named("norm"),) if body.norm == "pre" else ()
    found = {
        "stem": written(network.stem, interface),
        "body": Call("Body", (*layers, *last)),
        "readout": written(network.readout, interface),
        "head": head_call(network.head, compared, interface),
    }
    if "Residual" not in found["body"].uses():
        del found["body"]
    return found


def model_class(network: Network, interface: Interface, calls: dict[str, Call]) -> str:
    """The class `Model` of a network with these parts."""
    per_step, compared = isinstance(network.readout, PerStep), network.pairing == "compared"
    lines = "\n".join(f"self.{name} = {call.text()}" for name, call in calls.items())
    return _MODEL.format(
        shape=f"({'B, T' if per_step else 'B'}, {interface.classes})",
        names=", ".join(calls),
        width=network.body.width,
        parts="\n".join(" " * 8 + line for line in lines.split("\n")),
        forward=COMPARED if compared else " " * 8 + "return self.head(self.encode(batch))",
        encoded="(B, T, D)" if per_step else "(B, D)",
        body="self.body(x, Context(mask))" if "body" in calls else "x",
    )
