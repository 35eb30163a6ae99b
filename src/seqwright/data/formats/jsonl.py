"""JSON lines: one object a line, and, for convenience, a file that is one JSON list of objects."""

import json
from typing import Any

from seqwright.data.table import Table
from seqwright.data.wording import plural, short
from seqwright.errors import DataError


def read_jsonl(text: str, source: str) -> Table:
    """The table whose columns are the objects' keys, in order of appearance; a missing key is None.

    Raises:
        DataError: a line that is no JSON object (file:line).
    """
    records: list[dict[str, Any]] = []
    if text.lstrip()[0] == "[":
        try:
            given = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{source}:{getattr(error, 'lineno', 1)}: not JSON ({_wrong(error)}).") from None
        for i, record in enumerate(given):
            if not isinstance(record, dict):
                raise DataError(f"{source}: entry {i + 1} of the list is not an object: {short(json.dumps(record))}.")
        records = given
    else:
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(
                    f"{source}:{number}: not JSON ({_wrong(error)}): {short(line)}. In jsonl every line is one object, "
                    'such as {"text": "...", "label": "..."}.'
                ) from None
            if not isinstance(record, dict):
                raise DataError(
                    f"{source}:{number}: not an object: {short(line)}. In jsonl every line is one object, "
                    'such as {"text": "...", "label": "..."}.'
                )
            records.append(record)
    return of_records(records, source, "jsonl")


def _wrong(error: ValueError | RecursionError) -> str:
    """In words; besides what is no JSON at all there are numbers of thousands of digits, and lists too deep to read."""
    return "too deeply nested" if isinstance(error, RecursionError) else getattr(error, "msg", str(error))


def of_records(records: list[dict[str, Any]], source: str, form: str) -> Table:
    """The table of a list of dicts."""
    names = list(dict.fromkeys(str(name) for record in records for name in record))
    if not names:
        raise DataError(f"{source} has no rows: {plural(len(records), 'object')} without a key.")
    return Table({name: [record.get(name) for record in records] for name in names}, source, form)
