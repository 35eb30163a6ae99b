"""Real data that arrives inside a PyPI package: what twenty languages call countries, languages, months and money.

The Unicode consortium's CLDR, which Babel carries, translates some 1,400 names into each. A name that two languages
spell alike ("Hausa") has no right answer and is left out. Run as: python examples/language_names.py NAMES.tsv
"""

import csv
import random
import sys
from collections import Counter
from pathlib import Path

from babel import Locale

LANGUAGES = (
    *("cs", "cy", "da", "de", "en", "es", "et", "eu", "fi", "fr"),
    *("hr", "hu", "id", "it", "nl", "pl", "pt", "ro", "sv", "tr"),
)
EACH = 500  # names of a language, so that no class is rarer than another


def names(code: str) -> set[str]:
    """What a language calls languages, territories, scripts, currencies, months and days."""
    locale = Locale(code)
    kinds = (locale.languages, locale.territories, locale.scripts, locale.currencies)
    found = {name for kind in kinds for name in kind.values()}
    found |= {name for kind in ("months", "days") for name in getattr(locale, kind)["stand-alone"]["wide"].values()}
    return {name for name in found if len(name) > 2 and not any(c.isdigit() for c in name)}


def rows(each: int = EACH, seed: int = 0) -> list[tuple[str, str]]:
    """(name, language) pairs, `each` of every language, in an order that only `seed` decides."""
    known = {code: {name.casefold(): name for name in sorted(names(code))} for code in LANGUAGES}
    spelt = Counter(name for found in known.values() for name in found)
    rng = random.Random(seed)
    pairs: list[tuple[str, str]] = []
    for code, found in known.items():
        own = [name for plain, name in sorted(found.items()) if spelt[plain] == 1]
        language = Locale(code).english_name
        pairs += [(name, language) for name in rng.sample(own, min(each, len(own)))]
    rng.shuffle(pairs)
    return pairs


def main(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pairs = rows()
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t")
        table.writerow(("name", "language"))
        table.writerows(pairs)
    print(f"{path}: {len(pairs):,} names in {len(LANGUAGES)} languages")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "names.tsv"))
