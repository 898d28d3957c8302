"""The published page is what the last runs found, nothing older and nothing by hand."""

from bench.report import PAGE, page


def test_the_page_holds_what_the_kept_results_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python -m bench.report`"
