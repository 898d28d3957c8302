"""The page of an upload's report, looked at in Chromium as a telephone and a wide screen show it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tidemill import Float, Project, Source, String, Timestamp, check, col, null_rate
from tidemill.datasets.ingest import ingest_upload

MARKUP = "<img src=x onerror=alert(1)>"
COLUMNS = {f"reading_{n}": Float for n in range(20)}  # wider than any screen
meters = Source(
    "meters",
    {"id": String, "place": String, **COLUMNS, "at": Timestamp},
    key=["id"],
    timestamp="at",
    checks=[
        col("reading_0") >= 0,
        check(col("place") != "nowhere", severity="warn"),
        null_rate("reading_19", at_most=0.9),
    ],
    tolerance=0.3,
)
project = Project("bikes", sources=[meters], models=[])
HEADER = ",".join(meters.schema)


def line(number: int, *, place: str = "Oslo", reading: str = "1.5", last: str = "") -> str:
    return f"{number},{place},{reading}{',' * 18},{last},2013-01-06"


FILES = {
    "good": [line(n, last="2") for n in range(10)],
    "aside": [line(n, reading="-1" if n == 3 else "1", last="2") for n in range(10)],
    "warned": [line(n, place="nowhere" if n == 3 else "Oslo", last="2") for n in range(10)],
    "refused": [line(n, reading="-1" if n < 5 else "1") for n in range(10)],
    "empty": [],
    "faulty": [line(n, place=MARKUP, reading="-1" if n < 3 else f"{n};5") for n in range(4_000)],
}


@pytest.fixture
def page_of(cloud: Any, tmp_path: Path) -> Callable[[str], Path]:
    """Return what uploads one of the files and writes its report's page down."""

    def written(name: str) -> Path:
        outcome = ingest_upload(
            cloud.put("\n".join([HEADER, *FILES[name], ""]).encode(), f"{name}.csv", source="meters"),
            project=project,
            blobs=cloud.blobs,
            tables=cloud.tables,
            documents=cloud.documents,
            events=cloud.events,
        )
        assert outcome.report_key is not None
        file = tmp_path / f"{name}.html"
        file.write_bytes(cloud.blobs.get(outcome.report_key.replace(".json", ".html")))
        return file

    return written


@pytest.fixture(params=[(420, "light"), (1728, "dark")], ids=["telephone", "wide"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, scheme = request.param
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
        opened = context.new_page()
        wrong: list[str] = []
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.on(
            "request", lambda asked: wrong.append(asked.url) if not asked.url.startswith("file:") else None
        )
        opened.set_default_timeout(2000)
        yield opened
        assert not wrong, "nothing fails, and nothing is loaded from anywhere"


@pytest.mark.parametrize(
    ("name", "headline", "step"),
    [
        ("good", "10 rows added to meters.", None),
        ("aside", "9 rows added to meters; 1 row put aside.", "Look at the rows put aside"),
        ("warned", "10 rows added to meters.", "what the checks warn of"),
        ("refused", "Refused whole: 2 checks against it.", "tidemill data unblock meters"),
        ("faulty", "Refused whole: 1 fault of the file", "tidemill upload meters faulty.csv"),
        ("empty", "Refused whole. Nothing was added to meters.", None),
    ],
)
def test_the_verdict_comes_first_and_then_what_to_do(
    page: Page, page_of: Callable[[str], Path], name: str, headline: str, step: str | None
) -> None:
    page.goto(page_of(name).as_uri())
    expect(page.locator("h1 .pill")).to_have_text(
        "refused" if name in ("refused", "faulty", "empty") else "committed"
    )
    expect(page.locator(".verdict .headline")).to_contain_text(headline)
    assert page.locator(".verdict").bounding_box()["y"] < 200  # type: ignore[index]  # it is there
    steps = page.locator(".verdict li").all_inner_texts()
    assert any(step in each for each in steps) if step else not steps
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "only tables scroll sideways"


def test_what_could_not_be_read_is_shown_with_its_numbers_and_first_rows(
    page: Page, page_of: Callable[[str], Path]
) -> None:
    page.goto(page_of("faulty").as_uri())
    fault = page.locator("table.checks").first.locator("tbody tr")
    expect(fault).to_have_count(1)
    expect(fault).to_contain_text("reading_0 is a float, such as 0.5")
    expect(fault).to_contain_text("3,997 (99.9%)")
    rows = page.locator("table.rows").first.locator("tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.first).to_contain_text("3;5")
    expect(rows.first.locator("td.mark")).to_have_text("3;5")
    expect(rows.first).to_contain_text(MARKUP)  # as text: an image would have none


def test_every_column_has_its_share_of_nulls_and_of_rows_put_aside(
    page: Page, page_of: Callable[[str], Path]
) -> None:
    page.goto(page_of("aside").as_uri())
    columns = page.locator("table.columns tbody tr")
    expect(columns).to_have_count(len(meters.schema))
    expect(columns.filter(has_text="reading_0")).to_contain_text("1 (10.0%)")
    nulls = columns.filter(has_text="reading_7").locator(".bar i")
    share = nulls.evaluate("it => it.offsetWidth / it.parentElement.offsetWidth")
    assert share == pytest.approx(1.0)


def test_words_stand_out_from_their_ground_by_day_and_by_night(
    page: Page, page_of: Callable[[str], Path]
) -> None:
    """WCAG asks for a contrast of 4.5; every colour of text on its own ground has it."""
    page.goto(page_of("faulty").as_uri())
    contrast = """() => {
      const light = rgb => { const [r, g, b] = rgb.match(/[\\d.]+/g).map(v => v / 255).map(
        v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126*r + 0.7152*g + 0.0722*b };
      const ground = it => { const own = getComputedStyle(it).backgroundColor;
        return own === 'rgba(0, 0, 0, 0)' ? ground(it.parentElement) : own };
      return Math.min(...[...document.querySelectorAll('p, td, th, dt, dd, .pill, h1, h2, code')].map(it => {
        const [a, b] = [light(getComputedStyle(it).color), light(ground(it))].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05) })) }"""
    assert page.evaluate(contrast) >= 4.5
