"""Modules for the vocabulary of `seqwright.arch`: spec in, torch module out. Importing it registers every block."""

import importlib
import importlib.util

from seqwright.nn.build import block, build
from seqwright.nn.role import Context, Role

_FAMILIES = "feedforward parallel recurrent conv attention linear_recurrence network supernet"
for _family in _FAMILIES.split():
    if importlib.util.find_spec(f"seqwright.nn.{_family}"):
        importlib.import_module(f"seqwright.nn.{_family}")

__all__ = ["Context", "Role", "block", "build"]
