"""csv and tsv: csv as RFC 4180 says (quotes, doubled quotes, fields over several lines), tsv literally.

A tsv of ordinary texts has stray quotes that mean themselves; its quotes are obeyed only where lines would be ragged
without and are not with. The reader is the standard library's, one pass in C: about a second for a million rows.
"""

import csv
import io
from collections import Counter

from seqwright.data.finding import Finding
from seqwright.data.table import Table
from seqwright.data.wording import listing, plural, short
from seqwright.errors import DataError

NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_GIVEN = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
_FIELD_LIMIT = (1 << 31) - 1  # the csv module's default of 131,072 characters refuses long documents


def delimiter_of(given: str) -> str:
    """The delimiter that a flag names: itself, ``tab`` or ``\\t``, ``comma``, ...

    Raises:
        DataError: longer than one character and no known name.
    """
    delimiter = _GIVEN.get(given.lower(), given)
    if len(delimiter) != 1 or delimiter in '"\n\r':
        raise DataError(f"A delimiter is one character or one of {', '.join(_GIVEN)}, not {given!r} (--delimiter).")
    return delimiter


def read_delimited(
    text: str, source: str, form: str, delimiter: str | None, *, header: bool | None = None, lone: bool = False
) -> Table:
    """The table in `text`, every cell a str.

    Args:
        form: csv or tsv (from the file's name), which is the delimiter's default; "" to infer it.
        header: whether the first line names the columns; None to infer it.
        lone: a single column is all right (prediction), not a sign of a wrong delimiter.

    Raises:
        DataError: one column only, ragged rows (with file:line), a doubled or missing column name.
    """
    findings: list[Finding] = []
    if delimiter is None:
        delimiter = _infer(text, {"csv": ",", "tsv": "\t"}.get(form))
        usual = {"csv": ",", "tsv": "\t"}.get(form)
        if usual is None or delimiter != usual:
            findings.append(Finding("said", f"delimiter {NAMES.get(delimiter, repr(delimiter))}", "--delimiter"))
    else:
        delimiter = delimiter_of(delimiter)
    rows, lines, remark = _rows(text, source, delimiter)
    if lone and rows and len(rows[0]) == 1:
        if any(len(row) > 1 for row in rows):  # texts a line, with the delimiter in them
            rows, lines = _literal(text, "\0")
            delimiter = "\t"
        rows, lines = _with_blanks(text, rows, lines, delimiter)
    if remark:
        findings.append(Finding("said", remark, "--delimiter"))
    if not rows:
        raise DataError(f"{source} has no rows: give a header line and at least two rows.")
    if len(rows[0]) == 1 and not lone:
        raise DataError(_one_column(text, source, rows[0][0], delimiter))
    _refuse_ragged(rows, lines, source, delimiter)
    if header is None:
        header = lone or not _headerless(rows)
    if not header:
        names = [f"column_{i + 1}" for i in range(len(rows[0]))]
        findings.append(
            Finding(
                "warned",
                f'no header line: the first line, "{short(delimiter.join(rows[0]), 40)}", is read as data and the '
                f"columns are called {listing(names, 3)}",
            )
        )
    else:
        names = _named([name.strip() for name in rows.pop(0)], source)
    columns = (
        {name: list(cells) for name, cells in zip(names, zip(*rows, strict=True), strict=True)}
        if rows
        else {name: [] for name in names}
    )
    form = "tsv" if delimiter == "\t" else "csv"
    return Table(columns, source, form, tuple(findings), options={"delimiter": delimiter, "header": header})


def _infer(text: str, usual: str | None) -> str:
    """The delimiter that the first lines agree on most, the file name's usual one if it is in the header at all."""
    head = [line for line in text[:200_000].splitlines()[:20] if line]
    if usual and usual in head[0]:
        return usual
    best, most = usual or ",", 0.0
    for delimiter in NAMES:
        counts = [line.count(delimiter) for line in head]
        agreeing = sum(c == counts[0] for c in counts) / len(counts)
        if counts[0] and agreeing * (1 + 0.01 * counts[0]) > most:
            best, most = delimiter, agreeing * (1 + 0.01 * counts[0])
    return best


def _rows(text: str, source: str, delimiter: str) -> tuple[list[list[str]], list[int], str]:
    """Rows, the line each begins on, and a remark on quotes."""
    if delimiter == "\t":
        rows, lines = _literal(text, delimiter)
        if len({len(row) for row in rows}) > 1 and '"' in text:
            try:
                quoted = _quoted(text, delimiter)
            except csv.Error:
                quoted = None
            if quoted and len({len(row) for row in quoted[0]}) == 1:
                return *quoted, "quotes enclose fields (lines are ragged without)"
        return rows, lines, ""
    try:
        return *_quoted(text, delimiter), ""
    except csv.Error as error:
        rows, lines = _literal(text, delimiter)
        if len({len(row) for row in rows}) == 1:
            return rows, lines, "quotes are taken literally (they are not paired)"
        raise DataError(
            f"{source}{_where(text, delimiter)}: quotes are not paired ({error}). In csv a field with quotes, "
            'delimiters or line breaks is enclosed in ", and quotes inside are doubled.'
        ) from None


def _literal(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    text = text.replace("\r\n", "\n")
    raw = (text if "\n" in text else text.replace("\r", "\n")).split("\n")
    kept = [i for i, line in enumerate(raw) if line]
    return [raw[i].split(delimiter) for i in kept], [i + 1 for i in kept]


def _quoted(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    csv.field_size_limit(_FIELD_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    start = 1
    for row in reader:
        if row:
            rows.append(row)
            lines.append(start)
        start = reader.line_num + 1
    return rows, lines


def _with_blanks(
    text: str, rows: list[list[str]], lines: list[int], delimiter: str
) -> tuple[list[list[str]], list[int]]:
    """In a file of one column a blank line between others is a row with an empty cell."""
    blank = {i + 1 for i, line in enumerate(io.StringIO(text.rstrip("\r\n"))) if not line.rstrip("\r\n")}
    inside = set() if delimiter == "\t" else _continued(rows, lines)
    at = dict(zip(lines, rows, strict=True))
    merged = sorted({*lines, *(line for line in blank - inside if line > lines[0])})
    return [at.get(line, [""]) for line in merged], merged


def _continued(rows: list[list[str]], lines: list[int]) -> set[int]:
    """The lines on which a field that began on an earlier line goes on."""
    spans = ((line, sum(cell.count("\n") for cell in row)) for row, line in zip(rows, lines, strict=True))
    return {line + k for line, breaks in spans for k in range(1, breaks + 1)}


def _where(text: str, delimiter: str) -> str:
    """``:line`` where the row that cannot be read begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1
    try:
        for _ in reader:
            start = reader.line_num + 1
    except csv.Error:
        pass
    return f":{start}"


def _refuse_ragged(rows: list[list[str]], lines: list[int], source: str, delimiter: str) -> None:
    width = len(rows[0])
    ragged = [i for i, row in enumerate(rows) if len(row) != width]
    if not ragged:
        return
    shown = "\n".join(
        f"  {source}:{lines[i]}: {plural(len(rows[i]), 'field')}: {short(delimiter.join(rows[i]))}" for i in ragged[:3]
    )
    usual, count = Counter(len(row) for row in rows[1:]).most_common(1)[0]
    advice = (
        f"Most rows have {usual}: does the header lack a name, or is the delimiter another (--delimiter)?"
        if usual != width and count > len(rows) / 2
        else f"Enclose texts that contain a {NAMES.get(delimiter, 'delimiter')} in quotes, or mend these rows."
        if delimiter != "\t"
        else "Remove the extra tabs inside the texts, or complete these rows."
    )
    raise DataError(
        f"{source}: the header has {plural(width, 'field')}, but {plural(len(ragged), 'row')} another number:"
        f"\n{shown}\n{advice}"
    )


def _one_column(text: str, source: str, header: str, delimiter: str) -> str:
    line = text.lstrip("\r\n").splitlines()[0]
    better = [d for d in NAMES if d != delimiter and d in line]
    advice = (
        f"Its header has a {' and a '.join(NAMES[d] for d in better)}: try --delimiter {NAMES[better[0]]}."
        if better
        else "A file to learn from needs at least two columns: the text and its label."
    )
    return (
        f'{source}: only one column, "{short(header)}", was found with delimiter '
        f"{NAMES.get(delimiter, repr(delimiter))}. {advice}"
    )


def _headerless(rows: list[list[str]]) -> bool:
    """Whether the first line is data: some cell of it, no column number, recurs below as labels do."""
    first = [cell.strip() for cell in rows[0]]
    if len(rows) < 5 or all(cell == str(i) for i, cell in enumerate(first)):
        return False
    body = rows[1:2001]
    for i, cell in enumerate(first):
        values = Counter(row[i] for row in body)
        if cell and values[cell] >= 2 and len(values) <= len(body) / 2:
            return True
    return False


def _named(header: list[str], source: str) -> list[str]:
    """The header with every column named, each name once."""
    doubled = [name for name, count in Counter(header).items() if count > 1 and name]
    if doubled:
        raise DataError(f"{source}: the header names {listing(doubled)} more than once; rename the columns.")
    named = [name or f"column_{i + 1}" for i, name in enumerate(header)]
    if not any(header):
        raise DataError(f"{source}: the header line names no column.")
    return named
