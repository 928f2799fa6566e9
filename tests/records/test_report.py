"""Records on one page."""

from pathlib import Path

import pytest

from records.samples import attribution, tokens_of
from whence.records import Comparison, Report

FIRST = attribution(tokens_of("The", " <script>alert(1)</script>", " Tower"))


def test_save_writes_the_page_and_returns_where(tmp_path):
    report = Report((FIRST,), "<b>title & more</b>")
    path = report.save(tmp_path / "report.html")
    assert path == tmp_path / "report.html"
    assert path.read_text(encoding="utf-8") == report.to_html()
    assert "<b>title" not in report.to_html()
    assert "&lt;b&gt;title &amp; more" in report.to_html()
    assert "<script>alert(1)" not in report.to_html()


def test_save_takes_a_string(tmp_path):
    assert Report((FIRST,)).save(str(tmp_path / "report.html")) == Path(tmp_path / "report.html")


def test_save_writes_what_any_text_needs(tmp_path):
    record = attribution(tokens_of("مرحبا", " 😀", " 你好", "\x00"))
    page = Report((record,)).save(tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(text in page for text in ("مرحبا", "😀", "你好"))


def test_every_record_is_on_the_page_in_order():
    second = attribution(tokens_of("A", " pagoda"))
    page = Report((FIRST, second, Comparison((second,), ()))).to_html()
    assert -1 < page.index("Tower") < page.index("pagoda")
    assert page.count("pagoda") > Report((FIRST, second)).to_html().count("pagoda")


def test_a_notebook_gets_a_fragment_not_a_page():
    shown = Report((FIRST,))._repr_html_()
    assert "<html" not in shown.lower()
    assert "Tower" in shown


def test_show_prints_every_record(capsys):
    Report((FIRST, attribution(tokens_of("A", " pagoda")))).show()
    printed = capsys.readouterr()
    assert "Tower" in printed.out
    assert "pagoda" in printed.out
    assert not printed.err


@pytest.mark.parametrize("record", [FIRST, Report((FIRST,)), Comparison((FIRST,), ())], ids=lambda r: type(r).__name__)
def test_every_record_shows_itself(record, capsys):
    record.show()
    assert "Tower" in capsys.readouterr().out
    assert record.to_html().lstrip().lower().startswith("<!doctype html>")


def test_repr_counts_its_records():
    assert repr(Report((FIRST, FIRST), "mine")) == "Report(title='mine', records=2)"
