"""Network morphism: a child that begins by computing what its parent computes. See `inherit`."""

from seqwright.nn.morphism.inherit import Inherited, inherit

__all__ = ["Inherited", "inherit"]
