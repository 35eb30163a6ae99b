"""Which pretrained encoder a run uses, and where what it computes is kept."""

import os

from seqwright.data.checkpoint import Checkpoint, found, locate
from seqwright.data.task import Task
from seqwright.deliver.options import Options
from seqwright.errors import InputError

VARIABLE = "SEQWRIGHT_ENCODER"
READ = ("text", "a")  # the first inputs of the tasks whose texts an encoder can read


def encoder_of(options: Options, task: Task) -> "Checkpoint | None":
    """The encoder that the options name; for "auto" the environment's SEQWRIGHT_ENCODER, or one that is installed.

    Raises:
        InputError: it cannot be used, or the task has no texts for it to read.
    """
    asked = options.encoder
    if asked != "auto" and asked != "none" and task.inputs[0] not in READ:
        raise InputError(f"--encoder {asked}: {task.kind} has no running text to read. Leave it out.")
    wanted = os.environ.get(VARIABLE, "auto") if asked == "auto" else asked
    if wanted == "none" or task.inputs[0] not in READ:
        return None
    return found() if wanted == "auto" else locate(wanted, trust_pickle=options.trust_pickle)


def named_for(name: str, encoder: object) -> str:
    """The space or portfolio of that name, with the encoder among its stems where there is one."""
    return name if encoder is None else f"{name}-encoder"
