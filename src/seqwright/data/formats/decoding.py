"""From bytes to text: which encoding, said whenever it is not plain UTF-8, and never a character lost in silence.

Tried in order: a byte order mark, UTF-16 without one (every other byte NUL), UTF-8, and then cp1252, the usual
encoding of files that are not UTF-8; where lines of both kinds are mixed, each line is read in its own.
"""

import codecs

from seqwright.data.finding import Finding
from seqwright.data.wording import listing, plural
from seqwright.errors import DataError, did_you_mean

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_KNOWN = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "cp1252",
    "latin-1",
    "cp1251",
    "gb18030",
    "shift_jis",
)


def decode(data: bytes, source: str, encoding: str | None = None) -> tuple[str, tuple[Finding, ...]]:
    """The text, and what is to be said of it.

    Raises:
        DataError: the bytes are no text, or do not agree with the encoding asked for.
    """
    findings: list[Finding] = []
    if encoding:
        text = _as_asked(data, source, encoding)
    elif mark := next((name for mark, name in _MARKS if data.startswith(mark)), None):
        text = _as_asked(data, source, mark)
        if mark != "utf-8-sig":
            findings.append(Finding("said", f"encoding {mark} (the file begins with its mark)", "--encoding"))
    elif wide := _unmarked_utf16(data):
        text = _as_asked(data, source, wide)
        findings.append(Finding("said", f"encoding {wide} (every other byte is NUL)", "--encoding"))
    else:
        _refuse_binary(data, source)
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text, finding = _not_utf8(data)
            findings.append(finding)
    nuls = text.count("\0")
    if nuls:
        text = text.replace("\0", "")
        findings.append(Finding("warned", f"{plural(nuls, 'NUL character')} removed from {source}", "--encoding"))
    if not text.strip():
        raise DataError(f"{source} holds nothing but white space: give a header line and at least two rows.")
    return text, tuple(findings)


def _as_asked(data: bytes, source: str, encoding: str) -> str:
    try:
        codec = codecs.lookup(encoding)
        # A mark is no character of the text, whichever name of UTF-8 was given.
        return data.decode("utf-8-sig" if codec.name == "utf-8" else encoding)
    except LookupError:
        raise DataError(
            f'There is no encoding "{encoding}".{did_you_mean(encoding, _KNOWN)} Usual ones: {listing(_KNOWN)}.'
        ) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{source}:{line}: byte 0x{data[error.start]:02x} is not {encoding}. "
            "Leave out --encoding to have it inferred, or name another one."
        ) from None


def _unmarked_utf16(data: bytes) -> str | None:
    head = data[:4096]
    if len(head) < 8:
        return None
    even, odd = (head[i::2].count(0) / max(1, len(head) // 2) for i in (0, 1))
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.05 else None


def _refuse_binary(data: bytes, source: str) -> None:
    """Text has hardly any control characters; stray NULs are forgiven up to a tenth of the bytes."""
    head = data[:65536]
    nuls = head.count(0)
    control = len(head) - len(head.translate(None, bytes(c for c in range(32) if c not in b"\t\n\r\f\v\x1a\x1b")))
    if nuls > 0.1 * len(head) or control - nuls > 0.02 * len(head):
        raise DataError(
            f"{source} looks like a binary file ({control / len(head):.0%} control bytes), not text. "
            "Seqwright reads csv, tsv, jsonl, parquet, npz and conll; name another --encoding if it is text after all."
        )


def _not_utf8(data: bytes) -> tuple[str, Finding]:
    """cp1252 throughout, or line by line where other lines are proper UTF-8 beyond ASCII."""
    lines = data.split(b"\n")
    decoded: list[str | None] = []
    proper = 0
    for line in lines:
        try:
            decoded.append(line.decode("utf-8"))
            proper += not line.isascii()
        except UnicodeDecodeError:
            decoded.append(None)
    failing = [i for i, line in enumerate(decoded) if line is None]
    if not proper:
        encoding = "cp1252" if _decodes(data, "cp1252") else "latin-1"
        return data.decode(encoding), Finding(
            "said", f"encoding {encoding} ({plural(len(failing), 'line')} not UTF-8)", "--encoding"
        )
    for i in failing:
        decoded[i] = lines[i].decode("cp1252" if _decodes(lines[i], "cp1252") else "latin-1")
    return "\n".join(line or "" for line in decoded), Finding(
        "warned",
        f"mixed encodings: {plural(proper, 'line')} in utf-8 and {plural(len(failing), 'line')} not, read as cp1252 "
        f"(lines {listing([i + 1 for i in failing], 5)})",
        "--encoding",
    )


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
