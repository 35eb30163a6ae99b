"""CoNLL: a token a line with its tags in columns (tab or spaces between), a blank line between sentences.

A first comment line may name the columns (``# form upos xpos``). Otherwise ten columns are CoNLL-U, two are token
and tag, and more are token, ..., last tag, as in the shared tasks of 2000 to 2003.
"""

from seqwright.data.finding import Finding
from seqwright.data.table import Table
from seqwright.data.wording import listing, plural, short
from seqwright.errors import DataError

_CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")


def read_conll(text: str, source: str, *, lone: bool = False) -> Table:
    """A table with a row a sentence, whose cells are lists of str.

    Args:
        lone: tokens without tags are all right (prediction).

    Raises:
        DataError: a line with more or fewer columns than the first (file:line), or tokens without tags.
    """
    sentences: list[list[list[str]]] = [[]]
    header: list[str] = []
    width, separator = 0, "\t"
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line.strip():
            if sentences[-1]:
                sentences.append([])
            continue
        if line.startswith("# ") and not sentences[-1]:  # a token "#" is followed by a tab
            if not header and len(sentences) == 1 and "\t" in line:
                header = line[2:].split("\t")
            continue
        if line.startswith("-DOCSTART-"):
            continue
        if not width:
            separator = "\t" if "\t" in line else " "
        fields = line.split("\t") if separator == "\t" else line.split()
        if not width:
            width = len(fields)
            if width < 2 and not lone:
                raise DataError(
                    f"{source}:{number}: a token without a tag: {short(line)}. In a CoNLL file each line is a token, "
                    "a tab and its tag; a blank line ends a sentence."
                )
        if len(fields) != width:
            raise DataError(
                f"{source}:{number}: {plural(len(fields), 'column')}, but the lines before have {width}: {short(line)}."
            )
        if width == 10 and not header and not fields[0].isdigit():
            continue  # CoNLL-U: ranges of contracted words (3-4) and empty nodes (5.1)
        sentences[-1].append(fields)
    if not sentences[-1]:
        sentences.pop()
    if not sentences:
        raise DataError(f"{source} holds no sentence: each line is a token, a tab and its tag.")
    header, token, tag = _roles([name.strip() for name in header], width, source)
    columns = {name: [[row[c] for row in sentence] for sentence in sentences] for c, name in enumerate(header)}
    said = f"columns of each token: {listing(header, 10)}"
    return Table(columns, source, "conll", (Finding("said", said, "--target"),), tokens=token, tags=tag)


def _roles(header: list[str], width: int, source: str) -> tuple[list[str], str, str]:
    """Column names, the token's and the default tag's."""
    if header and len(header) != width:
        raise DataError(f"{source}: the comment line names {len(header)} columns, but tokens have {width}.")
    if header:
        token = next((name for name in ("form", "token", "word", "text") if name in header), header[0])
        after = header[header.index(token) + 1 :]
        return header, token, after[0] if after else ""
    if width == 10:
        return list(_CONLLU), "form", "upos"
    if width == 1:
        return ["token"], "token", ""
    if width == 2:
        return ["token", "tag"], "token", "tag"
    names = ["token", *(f"tag_{i}" for i in range(1, width))]
    return names, "token", names[-1]
