"""How each spec is written as Python: the constructor call of its module, and the module's class.

To write a new block in stand-alone files, register it: ``@written.register`` above a function of (spec, interface)
that returns `Call(module class, arguments)`; the class's own source is then copied with all it uses.
"""

from dataclasses import dataclass, fields
from functools import singledispatch
from typing import Any, Literal, get_args, get_origin

from seqwright.arch import blocks as b
from seqwright.arch import network as n
from seqwright.arch import recurrent_cells as cells
from seqwright.arch import recurrent_graph as drawn
from seqwright.arch import transformer_blocks as t
from seqwright.arch import wired
from seqwright.arch.interface import Interface
from seqwright.errors import SpaceError
from seqwright.nn import feedforward, linear_recurrence, network, norms, readouts, stems
from seqwright.nn.attention import AttentionModule
from seqwright.nn.branched_conv import BranchedConvModule
from seqwright.nn.conv import ConvModule
from seqwright.nn.dconv_attention import DconvAttentionModule
from seqwright.nn.light_conv import LightConvModule
from seqwright.nn.recurrent import RecurrentModule
from seqwright.nn.recurrent_cells import RecurrentCellModule
from seqwright.nn.recurrent_graph import GraphCellModule
from seqwright.nn.wired import GraphModule, PoolModule, rows

WIDE = 100  # a call longer than this is written one argument a line


@dataclass(frozen=True)
class Call:
    """A constructor call: a class, or the name of one that stands in the file, and its arguments as texts or calls."""

    of: type | str
    arguments: tuple[Any, ...] = ()
    keyword: str = ""

    def named(self, keyword: str) -> "Call":
        """The same call, as a keyword argument of another."""
        return Call(self.of, self.arguments, f"{keyword}=")

    def text(self) -> str:
        name = self.keyword + (self.of if isinstance(self.of, str) else self.of.__name__)
        parts = [part.text() if isinstance(part, Call) else str(part) for part in self.arguments]
        line = f"{name}({', '.join(parts)})"
        if len(line) <= WIDE and "\n" not in line:
            return line
        return f"{name}(\n" + "".join(_indented(part) + ",\n" for part in parts) + ")"

    def uses(self) -> list[type | str]:
        """Every class of this call and of the calls within it."""
        inner = [used for part in self.arguments if isinstance(part, Call) for used in part.uses()]
        return [*inner, self.of]


@singledispatch
def written(spec: Any, interface: Interface) -> Call:
    """The constructor call of a spec's module, within a scope where `width` is D.

    Raises:
        SpaceError: this kind of block cannot be written. Register it with @written.register.
    """
    raise SpaceError(
        f"{type(spec).__name__} cannot be written as stand-alone torch. Register it with @written.register."
    )


def spec_class(spec: Any) -> str:
    """A spec's dataclass as a person would write it: fields and types only."""
    kinds = {f.name: _type(f.type) for f in fields(spec)}
    lines = "".join(f"    {name}: {kind}\n" for name, kind in kinds.items())
    return f'@dataclass(frozen=True)\nclass {type(spec).__name__}:\n    """{_first(type(spec))}"""\n\n{lines}'.rstrip()


def norm(body: n.Body) -> Call:
    return Call({"layer": norms.LayerNorm, "batch": norms.MaskedBatchNorm}[body.statistics], ("width",))


def residual(spec: Any, body: n.Body, interface: Interface) -> Call:
    if isinstance(spec, b.Skip):
        return Call(network.PassThrough)
    normed = (norm(body),) if body.norm != "none" else ()
    return Call("Residual", (written(spec, interface), *normed, "dropout"))


@written.register
def _(spec: b.Rnn | b.Lstm | b.Gru, interface: Interface) -> Call:
    return Call(RecurrentModule, (f"nn.{type(spec).__name__.upper()}", "width", *_recurrence(spec, "hidden")))


@written.register
def _(spec: cells.RecurrentCell, interface: Interface) -> Call:
    steps = _text(tuple((node.function, node.source) for node in spec.nodes))
    shape = (f"hidden={spec.hidden}", f'first="{spec.first}"', f"steps={steps}")
    ends = f"averaged={cells.averaged(spec)}"
    return Call(RecurrentCellModule, ("width", *shape, ends, f"bidirectional={spec.bidirectional}"))


@written.register
def _(spec: drawn.GraphCell, interface: Interface) -> Call:
    nodes, states = map(_text, drawn.plan(spec))
    of = (f"nodes={nodes}", f"states={states}", f"bidirectional={spec.bidirectional}")
    return Call(GraphCellModule, ("width", f"hidden={spec.hidden}", *of))


@written.register
def _(spec: wired.Pool, interface: Interface) -> Call:
    return Call(PoolModule, (f'what="{spec.what}"', f"kernel={spec.kernel}"))


@written.register
def _(spec: wired.Graph, interface: Interface) -> Call:
    blocks = (written(each.block, interface) for each in spec.blocks)
    inputs, added = rows(spec)
    return Call(GraphModule, ("width", str(inputs), _text(added), *blocks))


@written.register
def _(spec: b.MinGru, interface: Interface) -> Call:
    return Call(linear_recurrence.MinGruModule, ("width", *_recurrence(spec, "hidden")))


@written.register
def _(spec: b.Ssm, interface: Interface) -> Call:
    return Call(linear_recurrence.SsmModule, ("width", *_recurrence(spec, "state")))


@written.register
def _(spec: b.Conv, interface: Interface) -> Call:
    return Call(ConvModule, (_literal(spec), "width", "causal=False"))


@written.register
def _(spec: b.Attention, interface: Interface) -> Call:
    return Call(AttentionModule, (_literal(spec), "width", "causal=False"))


@written.register
def _(spec: t.DconvAttention, interface: Interface) -> Call:
    return Call(DconvAttentionModule, (_literal(spec), "width", "causal=False"))


@written.register
def _(spec: t.LightConv, interface: Interface) -> Call:
    return Call(LightConvModule, ("width", f"kernel={spec.kernel}", f"heads={spec.heads}", "causal=False"))


@written.register
def _(spec: t.BranchedConv, interface: Interface) -> Call:
    return Call(BranchedConvModule, ("width", f"expand={spec.expand}", f"kernel={spec.kernel}", "causal=False"))


@written.register
def _(spec: t.SquaredFeedForward, interface: Interface) -> Call:
    return Call(feedforward.SquaredFeedForwardModule, ("width", f"{spec.expand} * width"))


@written.register
def _(spec: t.GatedLinear, interface: Interface) -> Call:
    return Call(feedforward.GatedLinearModule, ("width",))


@written.register
def _(spec: b.FeedForward, interface: Interface) -> Call:
    return Call(feedforward.FeedForwardModule, ("width", f"{spec.expand} * width"))


@written.register
def _(spec: b.GatedFeedForward, interface: Interface) -> Call:
    return Call(feedforward.GatedFeedForwardModule, ("width", f"{spec.expand} * width"))


@written.register
def _(spec: b.Skip, interface: Interface) -> Call:
    return Call(feedforward.SkipModule)


@written.register
def _(spec: b.Parallel, interface: Interface) -> Call:
    return Call("Parallel", tuple(written(branch, interface) for branch in spec.branches))


@written.register
def _(spec: n.Words | n.Subwords | n.Characters, interface: Interface) -> Call:
    name = type(spec).__name__.lower()
    return Call(stems.TokenStem, (f'"{name}"', _stream(interface, name), "width"))


@written.register
def _(spec: n.WordsAndCharacters, interface: Interface) -> Call:
    streams = (_stream(interface, "words"), _stream(interface, "word_characters"))
    return Call(stems.WordsAndCharactersStem, (*streams, "width"))


@written.register
def _(spec: n.NgramBag, interface: Interface) -> Call:
    return Call(stems.NgramBagStem, (_stream(interface, "ngrams"), "width"))


@written.register
def _(spec: n.Channels, interface: Interface) -> Call:
    arguments = (_stream(interface, "channels"), "width", f"kernel={spec.kernel}", f"stride={spec.stride}")
    return Call(stems.ChannelsStem, arguments)


@written.register
def _(spec: n.Pixels, interface: Interface) -> Call:
    arguments = (_stream(interface, "image"), "width", f"kernel={spec.kernel}", f"stride={spec.stride}")
    return Call(stems.PixelsStem, arguments)


@written.register
def _(spec: n.KernelFeatures, interface: Interface) -> Call:
    return Call(stems.KernelFeaturesStem, (_stream(interface, "kernels"), "width"))


@written.register
def _(spec: n.Mean | n.Max | n.Last | n.PerStep, interface: Interface) -> Call:
    return Call(getattr(readouts, f"{type(spec).__name__}Readout"))


@written.register
def _(spec: n.Cls, interface: Interface) -> Call:
    return Call(readouts.ClsReadout, ("width",))


@written.register
def _(spec: n.AttentionPool, interface: Interface) -> Call:
    return Call(readouts.AttentionPoolReadout, ("width", f"heads={spec.heads}"))


def _stream(interface: Interface, name: str) -> str:
    return f"Stream(size={interface.stream(name).size})"


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return type(get_args(annotation)[0]).__name__
    if get_origin(annotation) is tuple:
        return "tuple"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _recurrence(spec: Any, size: str) -> tuple[str, str]:
    return f"{size}={getattr(spec, size)}", f"bidirectional={spec.bidirectional}"


def _text(rows: tuple[Any, ...]) -> str:
    """A tuple of plain rows, one a line."""
    return "(\n" + "".join(f"    {_literal(row)},\n" for row in rows) + ")"


def _literal(spec: Any) -> str:
    return repr(spec).replace("'", '"')


def _first(cls: type) -> str:
    return (cls.__doc__ or "").split("\n")[0]


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.split("\n"))
