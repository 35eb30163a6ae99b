"""Seqwright finds the best sequence model for a data set and a budget, and carries it to production."""

__version__ = "0.1.0"
