"""What each column is for: inferred from names and contents, every guess said with the flag that overrides it.

`Roles` is what a model's bundle remembers of its training file, so that the next file is read alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from seqwright.data.finding import Finding
from seqwright.data.profile import Profile, profile
from seqwright.data.series import long_layout, wide_layout
from seqwright.data.table import Table
from seqwright.data.wording import listing, plural
from seqwright.errors import DataError, did_you_mean

KINDS = ("text-classification", "text-pairs", "tagging", "series-classification")
PAIRS = (
    ("text_a", "text_b"),
    ("sentence1", "sentence2"),
    ("sentence_a", "sentence_b"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "answer"),
    ("question", "sentence"),
    ("text1", "text2"),
    ("query", "passage"),
    ("query", "document"),
    ("a", "b"),
)
_TARGETS = ("label", "labels", "target", "class", "y", "category", "intent", "sentiment", "topic", "language", "lang")
_TEXTS = ("text", "sentence", "review", "content", "body", "message", "tweet", "utterance", "comment", "question")
_FIELDS = ("title", "subject", "headline", "description", "summary", *_TEXTS)
_TAGS = ("tags", "tag", "ner_tags", "pos_tags", "upos", "slots", "labels", "label", "ner", "pos")
_TOKENS = ("tokens", "token", "words", "form", "text", "sentence")


@dataclass(frozen=True)
class Roles:
    """The kind of task and the columns' parts in it.

    Args:
        kind: one of KINDS.
        inputs: the text columns (joined as fields, or the two sides), the tokens', or the series' channels.
        layout: "" (a cell an example), "spaced" (tokens and tags apart by spaces), "wide" or "long" (series).
        channels: wide series: per channel the columns of its time steps, in order.
        id, time: long series: which example, which step.
    """

    kind: str
    inputs: tuple[str, ...]
    target: str = ""
    weight: str = ""
    group: str = ""
    layout: str = ""
    channels: tuple[tuple[str, ...], ...] = ()
    id: str = ""
    time: str = ""

    def as_data(self) -> dict[str, Any]:
        """JSON-able; `from_data` is its inverse."""
        return asdict(self) | {"inputs": list(self.inputs), "channels": [list(c) for c in self.channels]}

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> "Roles":
        known = {k: v for k, v in data.items() if k in Roles.__dataclass_fields__}
        channels = tuple(tuple(c) for c in data.get("channels", ()))
        return Roles(**{**known, "inputs": tuple(data["inputs"]), "channels": channels})


def infer_roles(
    table: Table,
    *,
    task: str | None = None,
    target: str | None = None,
    text: Sequence[str] = (),
    weight: str | None = None,
    group: str | None = None,
) -> tuple[Roles, list[Finding]]:
    """The roles of a table's columns and what was inferred; what is given is taken as given.

    Raises:
        DataError: an unknown task or column (did-you-mean), or no column that could be the text or the target.
    """
    if task is not None and task not in KINDS:
        raise DataError(f'There is no task "{task}" (--task).{did_you_mean(task, KINDS)} Tasks: {listing(KINDS)}.')
    for name, flag in ((target, "--target"), (weight, "--weight"), (group, "--group"), *((t, "--text") for t in text)):
        if name is not None:
            require(table, name, flag)
    fixed = Roles(task or "", tuple(text), target or "", weight or "", group or "")
    profiles = {name: profile(cells) for name, cells in table.columns.items() if name not in (weight, group)}
    roles = _roles(table, profiles, fixed)
    return roles, _said(table, roles, fixed)


def require(table: Table, name: str, flag: str) -> None:
    """Raises a DataError that lists the columns if `name` is not one."""
    if name not in table.columns:
        raise DataError(
            f'{table.source} has no column "{name}" ({flag}).{did_you_mean(name, table.columns)} '
            f"Its columns: {listing(table.columns, 20)}."
        )


def _roles(table: Table, profiles: dict[str, Profile], fixed: Roles) -> Roles:
    if fixed.kind in ("", "series-classification"):
        found = _series(table, profiles, fixed)
        if found:
            return found
        if fixed.kind:
            raise DataError(
                f"{table.source}: no series found in columns {listing(table.columns, 20)}. A series is an npz file "
                "with X, a long csv (id, time, channels, label) or a wide csv (numeric columns and one label)."
            )
    if fixed.kind in ("", "tagging"):
        found = _tagging(table, profiles, fixed)
        if found:
            return found
        if fixed.kind:
            raise DataError(
                f"{table.source}: no tags found: no column has one space-separated tag for each token of another "
                f"(columns: {listing(table.columns, 20)}). Name them with --text and --target, or give a CoNLL file."
            )
    return _text(table, profiles, fixed)


def _series(table: Table, profiles: dict[str, Profile], fixed: Roles) -> Roles | None:
    series = [name for name, p in profiles.items() if p.form == "series" and name != fixed.target]
    if series:
        chosen = fixed.inputs or (series[0],)
        rest = [name for name in profiles if name not in chosen]
        target = fixed.target or _target(table, profiles, rest)
        return replace(fixed, kind="series-classification", inputs=chosen, target=target)
    numbers = [name for name, p in profiles.items() if p.form == "number" and name != fixed.target]
    asked = fixed.kind == "series-classification"
    if found := long_layout(table, numbers, fixed.inputs, fixed.target, _TARGETS):
        id_, time, channels, target = found
        return replace(
            fixed, kind="series-classification", inputs=channels, target=target, layout="long", id=id_, time=time
        )
    texts = [name for name, p in profiles.items() if p.free and name != fixed.target]
    if texts and not asked:
        return None
    target = fixed.target or next((t for t in _TARGETS if t in profiles), "")
    if not target and len(numbers) == len(profiles) - 1:
        target = next(name for name in profiles if name not in numbers)
    if channels := wide_layout([n for n in fixed.inputs or numbers if n != target], asked):
        inputs = tuple(name for channel in channels for name in channel)
        return replace(
            fixed, kind="series-classification", inputs=inputs, target=target, layout="wide", channels=channels
        )
    return None


def _tagging(table: Table, profiles: dict[str, Profile], fixed: Roles) -> Roles | None:
    lists = [name for name, p in profiles.items() if p.form == "tokens"]
    if table.tokens:
        target = fixed.target or (table.tags if table.tags != table.tokens else "")
        return replace(fixed, kind="tagging", inputs=fixed.inputs or (table.tokens,), target=target)
    if len(lists) >= 2:
        target = fixed.target or _first(_TAGS, lists) or lists[-1]
        rest = [name for name in lists if name != target]
        return replace(fixed, kind="tagging", inputs=fixed.inputs or (_first(_TOKENS, rest) or rest[0],), target=target)
    if not fixed.kind and not fixed.target:
        return None  # a column of tags beside a text and its label is not the likeliest wish; `_said` mentions it
    texts = fixed.inputs or tuple(n for n, p in profiles.items() if p.free and n != fixed.target)
    tags = [fixed.target] if fixed.target else sorted(profiles, key=lambda n: n not in _TAGS)
    for tag in tags:
        ordered = sorted((t for t in texts if t != tag), key=lambda n: n not in _TOKENS)
        for text in ordered:
            if (len(texts) == 1 and fixed.kind and fixed.target) or aligned(table, text, tag):
                return replace(fixed, kind="tagging", inputs=(text,), target=tag, layout="spaced")
    return None


def aligned(table: Table, text: str, tag: str) -> bool:
    """Whether two columns of strings have as many space-separated pieces in nearly every row, often several."""
    pairs = list(zip(table.columns[text][:2000], table.columns[tag][:2000], strict=True))
    counts = [(len(a.split()), len(b.split())) for a, b in pairs if isinstance(a, str) and isinstance(b, str)]
    equal = sum(a == b for a, b in counts)
    return bool(counts) and equal >= 0.95 * len(counts) and sum(b for _, b in counts) >= 1.5 * len(counts)


def _text(table: Table, profiles: dict[str, Profile], fixed: Roles) -> Roles:
    inputs, target = fixed.inputs, fixed.target
    if not target:
        target = _target(table, profiles, [name for name in profiles if name not in inputs])
    free = [name for name, p in profiles.items() if p.free and name != target]
    free = [n for n in free if not any(o != n and n not in _FIELDS and aligned(table, o, n) for o in free)]
    names = {name.lower(): name for name in profiles if name != target}
    if not inputs:
        pair = next(((names[a], names[b]) for a, b in PAIRS if a in names and b in names), None)
        known = tuple(n for n in free if n.lower() in _FIELDS)
        if fixed.kind == "text-pairs":
            inputs = pair or tuple(free)
        elif pair and not fixed.kind and all(profiles[p].form == "text" for p in pair):
            return replace(fixed, kind="text-pairs", inputs=pair, target=target)
        else:
            inputs = known or tuple(free) or tuple(n for n in profiles if n != target and n.lower() in _FIELDS)
        if not inputs:
            strings = [n for n, p in profiles.items() if p.form == "text" and n != target]
            inputs = tuple(strings[:1])
    if not inputs:
        others = [name for name in profiles if name != target]
        raise DataError(
            f"{table.source}: no text column found beside the target "
            f'"{target}" (columns: {listing(others, 20)}). Name it with --text, '
            "or read numeric columns as series with --task series-classification."
        )
    is_pair = tuple(n.lower() for n in inputs) in PAIRS
    kind = fixed.kind or ("text-pairs" if is_pair else "text-classification")
    if kind == "text-pairs" and len(inputs) != 2:
        raise DataError(
            f"Text pairs need exactly two text columns, not {len(inputs)} ({listing(inputs) or 'none'}): "
            f"name them with --text A,B. Columns: {listing(table.columns, 20)}."
        )
    if target in inputs:
        raise DataError(f'Column "{target}" cannot be both text and target: change --text or --target.')
    return replace(fixed, kind=kind, inputs=inputs, target=target)


def _target(table: Table, profiles: dict[str, Profile], names: Sequence[str]) -> str:
    """By name, else the column with the fewest values that recur; "" if there is none to choose from."""
    lower = {name.lower(): name for name in names}
    if named := _first(_TARGETS, lower):
        return lower[named]
    recurring = [(p.distinct, name) for name in names if (p := profiles[name]).classes]
    if not recurring:  # numbers that never recur: `classes_of` will say that this is regression
        return next((name for name in names if profiles[name].form == "number"), "") if len(names) <= 2 else ""
    # A constant tells nothing apart, so it comes last.
    return min(recurring, key=lambda found: (found[0] == 1, found[0]))[1]


def _first(wanted: Sequence[str], names: Any) -> str:
    return next((name for name in wanted if name in names), "")


def _said(table: Table, roles: Roles, fixed: Roles) -> list[Finding]:
    findings: list[Finding] = []
    if not fixed.kind:
        findings.append(Finding("said", f"task {roles.kind}", "--task"))
    if roles.layout == "long":
        text = f'long form: series by "{roles.id}", steps by "{roles.time}", channels {listing(roles.inputs)}'
        findings.append(Finding("said", text, "--text"))
    elif roles.layout == "wide":
        steps, first = len(roles.channels[0]), listing(roles.channels[0], 3)
        text = f"wide form: {plural(len(roles.channels), 'channel')} of {plural(steps, 'step')} (the first: {first})"
        findings.append(Finding("said", text, "--text"))
    elif not fixed.inputs:
        joined = " (joined as fields)" if roles.kind == "text-classification" and len(roles.inputs) > 1 else ""
        what = {"tagging": "tokens", "series-classification": "series"}.get(roles.kind, "text")
        findings.append(Finding("said", f"{what} from {_columns(roles.inputs)}{joined}", "--text"))
    used = {*roles.inputs, roles.target, roles.weight, roles.group, roles.id, roles.time}
    unused = [name for name in table.columns if name not in used]
    if unused and table.form != "conll":
        tags = [
            n for n in unused if roles.kind == "text-classification" and aligned(table, next(iter(roles.inputs)), n)
        ]
        hint = f'; "{tags[0]}" has a tag for each token: --target {tags[0]} to learn tagging' if tags else ""
        findings.append(Finding("said", f"not used: {_columns(unused)}{hint}", "--text"))
    return findings


def _columns(names: Sequence[str]) -> str:
    return f"column{'s' if len(names) > 1 else ''} {listing(names)}"
