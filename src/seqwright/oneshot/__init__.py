"""Training a supernet: many networks over shared weights. What it gives back serves further search."""

from seqwright.oneshot import paths as paths  # registers its kind of training
