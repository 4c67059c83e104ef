"""The report as Markdown: what a terminal, a wiki page or a mail shows."""

from support_report import small

from syncd.render.markdown import report_markdown


def test_unmapped_work_is_grouped_as_rules_fold_texts() -> None:
    shown = report_markdown(small().report)
    assert "By label: UI 2\n" in shown
    assert "By component: Ledger 1\n" in shown
