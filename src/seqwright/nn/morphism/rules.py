"""What each kind of part is made of, in the words of `axes`: one `Rule` a kind, and all moves follow from it.

To give a new block its morphisms, register its rule: ``@rule.register``. A kind without one is inherited as a
supernet would slice it, and only an unchanged one computes what it computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import singledispatch
from typing import Any

from seqwright.arch.blocks import Attention, Conv, FeedForward, GatedFeedForward, Gru, Lstm, MinGru, Rnn, Ssm
from seqwright.arch.network import (
    AttentionPool,
    Channels,
    Characters,
    Cls,
    KernelFeatures,
    NgramBag,
    Pixels,
    Subwords,
    Words,
    WordsAndCharacters,
)
from seqwright.arch.recurrent_cells import RecurrentCell
from seqwright.arch.recurrent_graph import GraphCell, plan
from seqwright.arch.transformer_blocks import (
    BranchedConv,
    DconvAttention,
    GatedLinear,
    LightConv,
    SquaredFeedForward,
)
from seqwright.nn.morphism.axes import Axes, Axis, Fed, Reads, Same, Taps, Units, Writes

W, R, S = Writes(), Reads(), Same()


@dataclass(frozen=True)
class Rule:
    """How a part grows.

    Args:
        axes: of each of its parameters, by name.
        output: the parameters that make its output zero when they are zero.
        fixed: fields of its spec that must not change.
    """

    axes: Mapping[str, Axes]
    output: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


def linear(name: str, out: Axis, into: Axis) -> dict[str, Axes]:
    """The axes of a linear map of that name."""
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def norm_axes(name: str = "norm") -> dict[str, Axes]:
    """Those of a norm, over the units of a step or over a batch."""
    return {f"{name}.{part}": (W,) for part in ("weight", "bias", "running_mean", "running_variance")}


def _centred(kernel: int) -> Taps:
    return Taps(tuple(k - kernel // 2 for k in range(kernel)))


@singledispatch
def rule(spec: Any) -> Rule | None:
    """The rule of a block, stem or readout; None where none is registered."""
    return None


@rule.register
def _(spec: Rnn | Lstm | Gru) -> Rule:
    gates = Units({Rnn: 1, Lstm: 4, Gru: 3}[type(spec)])
    axes = linear("output", W, Fed(1 + spec.bidirectional))
    for direction in ("ahead", "back")[: 1 + spec.bidirectional]:
        axes |= {f"{direction}.weight_ih_l0": (gates, R), f"{direction}.weight_hh_l0": (gates, Fed())}
        axes |= {f"{direction}.bias_ih_l0": (gates,), f"{direction}.bias_hh_l0": (gates,)}
    return Rule(axes, ("output.weight", "output.bias"))


@rule.register
def _(spec: RecurrentCell) -> Rule:
    axes = linear("output", W, Fed(1 + spec.bidirectional))
    for direction in ("ahead", "back")[: 1 + spec.bidirectional]:
        axes |= {f"{direction}.enter": (Units(2), R), f"{direction}.repeat": (Units(2), Fed())}
        axes |= {f"{direction}.nodes.{i}": (Units(2), Fed()) for i in range(len(spec.nodes))}
    return Rule(axes, ("output.weight", "output.bias"), ("nodes", "first", "output"))


@rule.register
def _(spec: GraphCell) -> Rule:
    axes = linear("output", W, Fed(1 + spec.bidirectional))
    linears = [(name, read) for name, operation, read in plan(spec)[0] if operation == "linear"]
    for direction in ("ahead", "back")[: 1 + spec.bidirectional]:
        for name, read in linears:
            axes |= {f"{direction}.maps.{name}.{s}": (Units(), R if s == "x" else Fed()) for s in read}
            axes[f"{direction}.maps.{name}.bias"] = (Units(),)
    return Rule(axes, ("output.weight", "output.bias"), ("nodes", "states"))


@rule.register
def _(spec: MinGru) -> Rule:
    directions = 1 + spec.bidirectional
    axes = linear("enter", Units(2 * directions), R) | linear("leave", W, Fed(directions))
    return Rule(axes, ("leave.weight", "leave.bias"))


@rule.register
def _(spec: Ssm) -> Rule:
    pairs = 2 * (1 + spec.bidirectional)
    axes = linear("enter", Units(pairs), R) | linear("leave", W, Fed(pairs))
    axes |= {"log_decay": (Units(), Units()), "phase": (Units(), Units())}
    return Rule(axes, ("leave.weight", "leave.bias"))


@rule.register
def _(spec: Conv) -> Rule:
    middle = (spec.kernel - 1) * spec.dilation // 2
    taps = Taps(tuple(spec.dilation * k - middle for k in range(spec.kernel)))
    if not spec.depthwise:
        return Rule({"weight": (W, R, taps), "bias": (W,)}, ("weight", "bias"))
    axes = {"weight": (W, S, taps), "bias": (W,)} | linear("pointwise", W, R)
    return Rule(axes, ("pointwise.weight", "pointwise.bias"))


@rule.register
def _(spec: Attention) -> Rule:
    axes = linear("output", W, Fed()) | {"positions.table": (S, W)}
    for part in ("query", "key", "value"):
        axes |= linear(part, Units(), R)
    return Rule(axes, ("output.weight", "output.bias"), ("window", "positions"))


@rule.register
def _(spec: DconvAttention) -> Rule:
    axes = linear("output", W, Fed()) | linear("project", Units(3), R) | {"positions.table": (S, W)}
    axes |= {"taps": (Units(3), S, _centred(spec.kernel))}
    return Rule(axes, ("output.weight", "output.bias"), ("positions",))


@rule.register
def _(spec: LightConv) -> Rule:
    # Inside it the stream's units keep their order, and more heads are copies; a longer kernel would sum to more.
    axes = linear("enter", W, R) | linear("leave", W, R) | {"taps": (W, S)}
    return Rule(axes, ("leave.weight", "leave.bias"), ("kernel",))


@rule.register
def _(spec: BranchedConv) -> Rule:
    # Copies inside too, which leave what is normalised as it was; units of another kind would not.
    axes = linear("wide", W, R) | linear("outer", W, R) | {"near.weight": (W, R, S), "near.bias": (W,)}
    axes |= {"norm.weight": (W,), "norm.bias": (W,), "taps": (W, S, _centred(spec.kernel))}
    return Rule(axes, ("outer.weight", "outer.bias"), ("expand",))


@rule.register
def _(spec: GatedLinear) -> Rule:
    return Rule(linear("inner", W, R) | linear("gate", W, R), ("inner.weight", "inner.bias"))


@rule.register
def _(spec: FeedForward | SquaredFeedForward) -> Rule:
    return Rule(linear("inner", Units(), R) | linear("outer", W, Fed()), ("outer.weight", "outer.bias"))


@rule.register
def _(spec: GatedFeedForward) -> Rule:
    axes = linear("gate", Units(), R) | linear("inner", Units(), R) | linear("outer", W, Fed())
    return Rule(axes, ("outer.weight", "outer.bias"))


def kin(was: Any, now: Any) -> bool:
    """Whether the one's weights mean something to the other: a depthwise convolution's do to a full one."""
    return type(was) is type(now) and getattr(was, "depthwise", False) >= getattr(now, "depthwise", False)


def holds(was: Any, now: Any) -> bool:
    """Whether the fields of `now` leave room for all that `was` does; between equal widths, it can then do the same."""
    before, after = rule(was), rule(now)
    if not kin(was, now) or before is None or after is None:
        return was == now
    if isinstance(was, Conv | Channels):
        there, here = (
            {
                offset
                for axes in each.axes.values()
                for axis in axes
                if isinstance(axis, Taps)
                for offset in axis.offsets
            }
            for each in (before, after)
        )
        return there <= here and all(getattr(was, f) == getattr(now, f) for f in after.fixed)
    both = [(getattr(was, f.name), getattr(now, f.name), f.name in after.fixed) for f in fields(was)]
    return all(a == b if fixed or not isinstance(a, int) else a <= b for a, b, fixed in both)


# Stems and readouts ------------------------------------------------------------------------------


@rule.register
def _(spec: Words | Subwords | Characters) -> Rule:
    return Rule({"embedding.weight": (S, W)})


@rule.register
def _(spec: WordsAndCharacters) -> Rule:
    return Rule({"words.weight": (S, W), "ngrams": (S, W)})


@rule.register
def _(spec: NgramBag) -> Rule:
    return Rule({"embedding": (S, W)})


@rule.register
def _(spec: Channels) -> Rule:
    return Rule({"projection.weight": (W, S, _centred(spec.kernel)), "projection.bias": (W,)}, fixed=("stride",))


@rule.register
def _(spec: Pixels) -> Rule:
    taps = _centred(spec.kernel)
    return Rule({"projection.weight": (W, S, taps, taps), "projection.bias": (W,)}, fixed=("stride",))


@rule.register
def _(spec: KernelFeatures) -> Rule:
    return Rule(linear("projection", W, S))


@rule.register
def _(spec: Cls) -> Rule:
    return Rule({"step": (W,)})


@rule.register
def _(spec: AttentionPool) -> Rule:
    # More heads are copies of those there were, each over its part of the units.
    return Rule(linear("key", W, R) | {"query": (R, W)})
