"""`python -m seqwright` is the command line."""

from seqwright.cli import main

main()
