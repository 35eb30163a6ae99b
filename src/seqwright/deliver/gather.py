"""The first stage: read what the user gave, say what was inferred, seal test, prepare everything for the workers."""

import json
import shutil
from dataclasses import dataclass
from typing import Any

from seqwright.data.checks import across
from seqwright.data.infer import Loaded, load
from seqwright.deliver.encoder import encoder_of, still_there
from seqwright.deliver.options import Options
from seqwright.deliver.protocol import protocol
from seqwright.deliver.run import Run
from seqwright.evaluate import workbench
from seqwright.evaluate.workbench import Workbench
from seqwright.tasks.registry import task_of

PREPARED = "prepared"


@dataclass(frozen=True)
class Sources:
    """What the user gave: training data, and perhaps validation and test data of their own."""

    data: Any
    valid: Any = None
    test: Any = None


def gather(run: Run, sources: Sources) -> Workbench:
    """The prepared data in the run's folder; read and prepared now, unless an earlier command finished that."""
    run.begin("data")
    options, show, prepared = run.options, run.show, run.study.folder / PREPARED
    if (prepared / workbench.COMPLETE).exists():
        known = workbench.load(prepared)
        if (lies := known.preparation.encoder) is not None:
            still_there(lies)
        return known
    shutil.rmtree(prepared, ignore_errors=True)
    named = task_of(options.task) if options.task else None
    loaded = read(sources.data, options, kind=named.read_as() if named else None)
    for finding in loaded.findings:
        show.found(finding)
    task = (named or task_of(loaded.kind))(loaded.labels, options.metric)
    task.chosen()  # an unknown metric is the user's mistake, and wants to be said at once
    encoder = encoder_of(options, task)
    if encoder is not None:
        show.say(f"encoder {encoder.name}: {encoder.depth} layers of {encoder.width} units ({encoder.family})")
    others = {}
    for name, source in (("validation", sources.valid), ("test", sources.test)):
        if source is not None:
            more = read(source, options, like=loaded)
            for finding in more.findings:
                show.found(finding)
            others[name] = more.examples
    train, held, sealed = options.split
    shares = (train / 100, held / 100, sealed / 100)
    cut = protocol(loaded.examples, others.get("validation"), others.get("test"), shares, options.seed)
    show.say(cut.said)
    if cut.test is not None:
        for finding in across({"development": cut.development, "test": cut.test}):
            show.found(finding)
    bench = workbench.build(
        prepared,
        task,
        cut.development,
        cut.test,
        cut.folds,
        cut.searched,
        cut.fit_on,
        options.seed,
        options.max_length or None,
        facts={"columns": loaded.columns, "split": cut.said},
        encoder=encoder,
        features_bytes=int(options.feature_cache_gib * 2**30),
    )
    for finding in bench.preparation.findings:
        show.found(finding)
    return bench


def read(source: Any, options: Options, kind: "str | None" = None, like: "Loaded | None" = None) -> Loaded:
    """One data set; `like` an earlier one, whose labels and columns it must share."""
    if like:
        return load(source, labels=like.labels, columns=like.columns)
    return load(
        source,
        task=kind,
        target=options.target or None,
        text=options.text or None,
        weight=options.weight or None,
        group=options.group or None,
        delimiter=options.delimiter or None,
        encoding=options.encoding or None,
    )


def facts(bench: Workbench) -> "dict[str, Any]":
    """What is remembered of the data beside the arrays: its columns, how it was split."""
    return json.loads((bench.folder / workbench.COMPLETE).read_text())
