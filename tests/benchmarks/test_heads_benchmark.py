"""The benchmark of heads compares what is equal: the same heads, the same steps, the same scores."""

from pathlib import Path

import pytest

from benchmarks import heads
from seqwright.testing.encoder import tiny_encoder


def test_the_slow_way_and_the_fast_come_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQWRIGHT_CACHE", str(tmp_path / "cache"))
    lines = [f"{'ab'[i % 2]}\tthe {('cat', 'dog')[i % 2]} of number {i}" for i in range(80)]
    (tmp_path / "some.tsv").write_text("\n".join(["label\ttext", *lines]))
    bench = heads.bench_of(tmp_path / "some.tsv", str(tiny_encoder(tmp_path / "encoder")), 80, tmp_path / "prepared")
    found = [
        heads.caching(bench, 12, quick=True),
        heads.members_of_bert_head(bench, 2, 2),
        *heads.cohorts(bench, 6, 8, 2, 3.5),
    ]
    for one in found:
        assert one.slow_s > 0 and one.fast_s > 0 and one.ratio == one.slow_s / one.fast_s
        assert one.slow_score == pytest.approx(one.fast_score, abs=0.06), one.what  # of 20 rows, one may tip
    heads.show(found)
