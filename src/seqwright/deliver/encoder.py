"""Which pretrained encoder a run uses, and where what it computes is kept."""

import os

from seqwright.data.checkpoint import Checkpoint, found, locate
from seqwright.data.task import Task
from seqwright.deliver.options import Options
from seqwright.errors import InputError
from seqwright.search.budget import Budget

VARIABLE = "SEQWRIGHT_ENCODER"
LEAST_S = 60.0
READ = ("text", "a")  # the first inputs of the tasks whose texts an encoder can read


def encoder_of(options: Options, task: Task) -> "Checkpoint | None":
    """The encoder that the options name; for "auto" the environment's SEQWRIGHT_ENCODER, or one that is installed.

    The shortest budgets go without one unless it is named: to load it takes them all.

    Raises:
        InputError: it cannot be used, or the task has no texts for it to read.
    """
    asked = options.encoder.strip()
    if not asked:
        raise InputError('--encoder is empty. Give a folder, a name, "auto" for one that is installed, or "none".')
    if asked != "auto" and asked != "none" and task.inputs[0] not in READ:
        raise InputError(f"--encoder {asked}: {task.kind} has no running text to read. Leave it out.")
    wanted = (os.environ.get(VARIABLE) or "auto") if asked == "auto" else asked
    if wanted == "none" or task.inputs[0] not in READ:
        return None
    if wanted == "auto":
        seconds = Budget.parse(options.budget).seconds
        return found() if seconds is None or seconds >= LEAST_S else None
    try:
        return locate(wanted, trust_pickle=options.trust_pickle)
    except InputError as error:
        if wanted == asked:
            raise
        raise InputError(f"The environment's {VARIABLE} names the encoder {wanted}. {error}") from error


def still_there(checkpoint: Checkpoint) -> None:
    """Whether the encoder that data were prepared for lies where it lay, unchanged.

    Raises:
        InputError: it does not.
    """
    try:
        if locate(checkpoint.folder).digest == checkpoint.digest:
            return
        what = "is now another one"
    except InputError as error:
        what = f"cannot be read any more ({error})"
    raise InputError(
        f"The encoder of this run, in {checkpoint.folder}, {what}. Put it back, or begin a run in another folder."
    )


def named_for(name: str, encoder: object) -> str:
    """The space or portfolio of that name, with the encoder among its stems where there is one."""
    return name if encoder is None else f"{name}-encoder"
