"""Training a supernet: many networks over shared weights. What it gives back serves further search."""

from seqwright.oneshot import darts as darts  # each registers its kind of training
from seqwright.oneshot import paths as paths
