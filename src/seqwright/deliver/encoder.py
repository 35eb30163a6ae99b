"""Which pretrained encoder a run uses, and where what it computes is kept."""

from seqwright.arch.encoders import Pretrained
from seqwright.data.checkpoint import Checkpoint, found, locate
from seqwright.data.task import Task
from seqwright.deliver.options import Options
from seqwright.errors import InputError

READ = ("text", "a")  # the first inputs of the tasks whose texts an encoder can read


def encoder_of(options: Options, task: Task) -> "Checkpoint | None":
    """The encoder that the options name, or one that is installed.

    Raises:
        InputError: it cannot be used, or the task has no texts for it to read.
    """
    if options.encoder == "none":
        return None
    if task.inputs[0] not in READ:
        if options.encoder != "auto":
            raise InputError(f"--encoder {options.encoder}: {task.kind} has no running text to read. Leave it out.")
        return None
    if options.encoder == "auto":
        return found()
    return locate(options.encoder, trust_pickle=options.trust_pickle)


def named_for(name: str, encoder: object) -> str:
    """The space or portfolio of that name, with the encoder among its stems where there is one."""
    return name if encoder is None else f"{name}-encoder"


def reads_encoder(streams: "tuple[str, ...]") -> bool:
    """Whether these are an encoder's streams."""
    return any(stream.partition(".")[0] in Pretrained.reads for stream in streams)
