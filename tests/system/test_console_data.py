"""Pages that show data, in a real browser: features, segments, embeddings, comparisons, quality, fairness, rankings."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import requests
from browsing import FAINT
from consoled import BUDGET_BYTES, FIRST, LAST, UNFIT, Console, follow
from loaned import MODEL, VERSION, Installation, day
from playwright.sync_api import Browser, Page

from driftline import registry
from driftline.catalog import hours
from driftline.catalog.hours import HourPart, Subject
from driftline.inferences import slices
from driftline.inferences.hours import Hourly
from driftline.inferences.sheetbytes import store
from driftline.inferences.staging import staging
from driftline.modelmonitors import queueing, register
from driftline.modelmonitors.monitor import ModelMonitor
from driftline.registry import Model, ModelVersion
from driftline.schemas.fields import Kind, ModelField, ModelSchema, ModelType, Role
from driftline.storage.access import Access

WIDE, FEATURES, DIMENSIONS, ROWS = "wide", 100, 6, 400
AT = f"/console/models/{MODEL}"
SCHEMA = ModelSchema(
    (
        *[ModelField(f"f{place:03}", Role.FEATURE, Kind.NUMERIC) for place in range(FEATURES)],
        ModelField("picture", Role.FEATURE, Kind.TENSOR, (DIMENSIONS,)),
        ModelField("city", Role.SEGMENT, Kind.CATEGORICAL),
    )
)
FAIR = {"facets": [{"columns": ["repaid_loan_on_prev_car"], "values": [["true"]]}], "label_values_or_threshold": ["1"]}
PAGES = {
    "data-features": f"{AT}/features", "data-feature": f"{AT}/features/car_value",
    "data-category": f"{AT}/features/salary_range", "data-wide": f"/console/models/{WIDE}/features",
    "data-vectors": f"/console/models/{WIDE}/features/picture", "data-unwatched": f"/console/models/{WIDE}/quality",
    "data-segments": f"{AT}/parts?feature=car_value&field=salary_range", "data-compare": f"{AT}/compare",
    "data-compared-quality": f"{AT}/compare/quality", "data-quality": f"{AT}/quality",
    "data-fairness": f"{AT}/fairness", "data-explainability": f"{AT}/explainability",
}  # fmt: skip


@pytest.fixture(scope="module")
def data(console: Console) -> Iterator[Console]:
    """With monitors of bias and of explanations, and a model of many features; both go at the end."""
    made = console.made
    with made.catalog.begin() as tx:
        now = made.catalog.clock()
        for name, kind, settings in (("fair", "bias", FAIR), ("why", "explainability", {})):
            register.create(tx, ModelMonitor(MODEL, name, kind, settings, cadence="rate(1 day)"), now=now)
            queueing.backfill(tx, MODEL, name, day(FIRST), day(LAST), now)
        registry.create_model(tx, Model(WIDE, "=Wide"), now=now)
        registry.create_version(tx, ModelVersion(WIDE, VERSION, ModelType.BINARY, SCHEMA), now=now)
    made.work()
    for environment, start, shift in (("training", "2019-01-01", 0.0), ("production", "2019-03-01", 1.0)):
        _import(made, environment, start, shift)
    yield console
    with made.catalog.begin() as tx:
        for name in ("fair", "why"):
            register.delete(tx, MODEL, name)
        registry.delete_model(tx, WIDE)
        hours.remove(tx, WIDE)


def _import(made: Installation, environment: str, start: str, shift: float) -> None:
    """Rows of two days: later features moved farther, and one dimension of the pictures, but only in Rome."""
    rng, rows = np.random.default_rng(7), 2 * ROWS
    rome = rng.random(rows) < 0.5
    moves = np.linspace(0.0, shift, FEATURES)
    pictures = rng.normal(size=(rows, DIMENSIONS)).astype(np.float32)
    pictures[rome, 2] += 3 * shift
    columns = {f"f{place:03}": rng.normal(moves[place], size=rows) for place in range(FEATURES)}
    times = [day(start) + timedelta(days=place % 2, hours=12 * (place % 4 // 2)) for place in range(rows)]
    table = pa.table(
        {
            "_id": [f"{environment}-{place}" for place in range(rows)],
            "_time": pa.array(times, pa.timestamp("us", "UTC")),
            "_batch": pa.nulls(rows, pa.string()),
            "_row": pa.array(range(1, rows + 1), pa.int64()),
            **columns,
            "picture": pa.array(pictures.tolist(), pa.list_(pa.float32())),
            "city": np.where(rome, "Rome", "Bari"),
        }
    )
    uri, subject = made.tables.inferences_uri(WIDE, VERSION), Subject(WIDE, VERSION, environment)
    with staging(made.tables, uri, table.schema, kind="inferences", ingested=made.catalog.clock()) as staged:
        for batch in table.to_batches():
            staged.add(batch, 1, environment)
        staged.finish()
        staged.commit(f"{WIDE}:{environment}", 1)
    hourly = Hourly(subject, SCHEMA)
    for batch in table.to_batches():
        hourly.observe(batch)
    sheets = hourly.sheets()
    places = store(sheets, f"{made.folder}/wide-{environment}", Access())
    with made.catalog.begin() as tx:
        hours.add(tx, subject, [HourPart(at, "1", places[at], sheet.rows) for at, sheet in sheets.items()])


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_pages_with_data_can_be_read_by_everybody(
    data: Console, page: Page, pictures: Path, scheme: str, width: int
) -> None:
    """Labels, names, headings, contrast, no sideways scrolling; what is loaded into a page, too (DB-03, DB-06)."""
    page.set_viewport_size({"width": width, "height": 844 if width < 800 else 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    data.sign_in(page)
    for name, path in PAGES.items():
        page.goto(data.url + path)
        page.wait_for_selector(".waiting", state="detached")
        page.screenshot(path=pictures / f"{name}-{scheme}-{width}.png", full_page=True)
        assert page.evaluate(UNFIT) == [], name
        assert page.evaluate(FAINT) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_pages_with_data_are_small_and_their_tables_are_csv_without_formulas(data: Console) -> None:
    """100 features and a vector on a page of less than 300 KB; each page's facts as JSON, its tables as CSV."""
    asked = data.signed_in()
    for name, path in PAGES.items():
        answer = asked.get(data.url + path, timeout=30)
        assert answer.status_code == 200, (name, answer.text)
        assert len(answer.content) < BUDGET_BYTES, (name, len(answer.content))
        assert "style=" not in answer.text.replace("style.css", ""), name
        assert isinstance(asked.get(data.url + path, params={"format": "json"}, timeout=30).json(), dict), name
    told = asked.get(f"{data.url}/console/models/{WIDE}/features?format=csv:features", timeout=30)
    assert told.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="features-and-drift-features.csv"' in told.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(told.text)))
    assert len(rows) == FEATURES + 2 and rows[0]["feature"] > "f090"
    models = asked.get(f"{data.url}/console?format=csv:models", timeout=30).text
    assert "'=Wide" in models and ",=Wide" not in models
    missing = asked.get(f"{data.url}{AT}/features?format=csv:nothing", timeout=30)
    assert missing.status_code == 404 and "features" in missing.text
    assert asked.get(f"{data.url}{AT}/features?format=xls", timeout=30).status_code == 422


def test_features_are_found_and_ordered_and_lead_to_one_another(data: Console, page: Page) -> None:
    """The farthest first, what the monitor says in one sentence, the next feature, drift by another distance."""
    data.sign_in(page)
    page.goto(f"{data.url}/console/models/{WIDE}/features")
    assert page.locator(".card").count() == FEATURES
    page.fill("input[name=find]", "f00")
    page.select_option("select[name=sort]", "name")
    follow(page, "button.main")
    assert page.locator(".card h3").all_inner_texts() == [f"f00{place}" for place in range(10)]
    page.goto(f"{data.url}{AT}/features/car_value")
    assert "Drifted, says the monitor drift" in page.inner_text(".answer >> nth=0")
    page.select_option("select[name=metric]", "ks")
    follow(page, "button.main")
    assert page.inner_text(".facts dt >> nth=0") == "KS" and "KS over time" in page.inner_text("main")
    follow(page, "a[rel=next]")
    assert "metric=ks" in page.url and page.inner_text("h1") != "car_value"


def test_the_segment_in_which_a_feature_moved_is_told_in_place(data: Console, page: Page) -> None:
    """Without leaving the page; from a segment to the comparison of all its features (DB-06)."""
    data.sign_in(page)
    page.goto(f"{data.url}/console/models/{WIDE}/features/picture")
    shifted = page.inner_text("section[aria-labelledby=vectors] tbody th >> nth=0")
    assert shifted == "2"
    page.wait_for_selector("#segments table")
    assert "moved most where city is Rome" in page.inner_text("#segments .answer")
    page.goto(f"{data.url}{AT}/features/car_value")
    page.wait_for_selector("#segments table")
    page.select_option("#segments select", "repaid_loan_on_prev_car")
    page.click("#segments form button")
    page.wait_for_selector("#segments table tbody >> text=true")
    assert page.url.endswith("/features/car_value")
    follow(page, "#segments tbody a >> nth=0")
    assert page.input_value("select[name=a_field]") == "repaid_loan_on_prev_car"
    assert page.input_value("input[name=b_value]") in ("true", "false")


def test_two_segments_are_compared_with_their_labels_and_quality(data: Console, page: Page) -> None:
    """The link that is copied leads to the same; an unknown segment is told as having no rows."""
    data.sign_in(page)
    page.goto(f"{data.url}{AT}/compare")
    for side, value in (("a", "0 - 20K €"), ("b", "20K - 40K €")):
        page.select_option(f"select[name={side}_environment]", "production")
        page.fill(f"input[name={side}_from]", FIRST)
        page.fill(f"input[name={side}_to]", "2019-03-31")
        page.select_option(f"select[name={side}_field]", "salary_range")
        page.fill(f"input[name={side}_value]", value)
    follow(page, "button.main")
    page.wait_for_selector("#quality table")
    assert page.locator("#quality .facts b").all_inner_texts() == ["100 %", "100 %"]
    assert "salary_range is farthest" not in page.inner_text(".answer")
    first = page.inner_text("section[aria-labelledby=features] tbody")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("text=Copy link")
    page.wait_for_selector("text=Link copied")
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    assert page.inner_text("section[aria-labelledby=features] tbody") == first
    page.fill("input[name=b_value]", "none")
    follow(page, "button.main")
    assert "no rows where salary_range is “none”" in page.inner_text("#b-trouble")
    assert page.input_value("input[name=b_value]") == "none" and page.input_value("input[name=a_from]") == FIRST


def test_quality_fairness_and_attributions_over_time_and_in_a_window(data: Console, page: Page) -> None:
    """Of the last window with labels the curves, of each group the metrics with reasons, of each feature its rank."""
    data.sign_in(page)
    page.goto(f"{data.url}{AT}/quality")
    said = page.inner_text("main")
    assert "ROC curve" in said and "Confusion matrix" in said and "no labels are known yet" in said
    page.select_option("select[name=about]", "recall")
    follow(page, "button.main")
    assert page.locator("section[aria-labelledby=over-time] .card").count() == 1
    page.goto(f"{data.url}{AT}/fairness")
    said = page.inner_text("main")
    assert "Disparate Impact" in said and "repaid_loan_on_prev_car = true" in said
    page.goto(f"{data.url}{AT}/explainability")
    said = page.inner_text("main")
    assert "nDCG of the features" in said and "loan_length" in page.inner_text("#attributions")
    follow(page, ".title a.act >> nth=0")
    assert "/console/runs/" in page.url
    page.goto(f"{data.url}/console/models/{WIDE}/fairness")
    assert "--kind bias" in page.inner_text("main")


def test_a_drawing_is_saved_and_a_page_is_printed_without_its_controls(data: Console, page: Page) -> None:
    """As SVG that stands for itself, and as PNG."""
    data.sign_in(page)
    page.goto(f"{data.url}{AT}/features/car_value")
    for kind, begins in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as saved:
            page.click(f"text={kind} >> nth=1")
        found = saved.value
        assert found.suggested_filename == f"car-value-over-time.{kind.lower()}"
        assert Path(found.path()).read_bytes().startswith(begins)
    assert not page.is_visible(".on-paper")
    page.emulate_media(media="print")
    assert "compared with training from" in page.inner_text(".on-paper")
    assert not page.is_visible("header.console") and not page.is_visible("form.fields >> nth=0")
    assert not page.is_visible(".saves >> nth=0") and page.is_visible("svg.plot >> nth=0")


def test_what_the_pages_show_is_there_by_rest(data: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts, embeddings, segments and quality; of a long window only the last hours are read row by row, and told."""
    asked = requests.Session()
    asked.headers["Authorization"] = f"Bearer {data.key}"
    at = f"{data.url}/v1/models"
    windows = {
        "version": VERSION, "environment": "training", "second_environment": "production",
        "first_start": "2019-01-01T00:00:00Z", "first_end": "2019-01-03T00:00:00Z",
        "second_start": "2019-03-01T00:00:00Z", "second_end": "2019-03-03T00:00:00Z",
    }  # fmt: skip
    moved = asked.get(f"{at}/{WIDE}/embeddings", params={**windows, "feature": "picture"}, timeout=30).json()
    assert moved["dimensions"][0]["dimension"] == 2 and moved["dimensions"][0]["shift"] > 1
    assert moved["second"]["mean"] > moved["first"]["mean"]
    parts = {**windows, "feature": "f099", "field": "city", "metric": "ks"}
    found = asked.get(f"{at}/{WIDE}/parts", params=parts, timeout=30).json()
    assert {each["value"] for each in found["parts"]} == {"Rome", "Bari"} and found["second_since"] is None
    assert sum(each["second_rows"] for each in found["parts"]) == 2 * ROWS
    rome = {**windows, "second_segment": "city=Rome", "first_segment": "city=Rome", "metric": "ks"}
    compared = asked.get(f"{at}/{WIDE}/comparison", params=rome, timeout=30).json()
    one, other = (next(each for each in found["parts"] if each["value"] == "Rome"), compared["features"][0])
    assert compared["second_rows"] == one["second_rows"] and other["value"] >= one["moved"]["value"]
    monkeypatch.setattr(slices, "MOST", ROWS)
    cut = asked.get(f"{at}/{WIDE}/parts", params=parts, timeout=30).json()
    assert cut["second_since"] == "2019-03-02T00:00:00Z"
    assert sum(each["second_rows"] for each in cut["parts"]) == ROWS
    wanted = {"version": VERSION, "start": f"{FIRST}T00:00:00Z", "end": "2019-04-01T00:00:00Z"}
    told = asked.get(f"{at}/{MODEL}/quality", params={**wanted, "segment": "salary_range=60K+ €"}, timeout=30).json()
    assert told["rows"] == told["labelled"] > 0 and 0 < told["figures"]["accuracy"] <= 1
    none = asked.get(f"{at}/{WIDE}/quality", params=wanted, timeout=30).json()
    assert none["figures"] == {} and "no actual" in none["reason"]
    for path, wrong in (("parts", {**parts, "field": "nope"}), ("embeddings", {**windows, "feature": "f001"})):
        assert asked.get(f"{at}/{WIDE}/{path}", params=wrong, timeout=30).status_code == 400


def test_the_same_days_have_the_same_figures_on_every_page_and_by_their_link(data: Console) -> None:
    """Windows are whole days, whichever page they stand on, and whether they were chosen or not (DB-06)."""
    asked = data.signed_in()

    def told(path: str) -> Any:
        return asked.get(data.url + path, params={"format": "json"}, timeout=30).json()

    for model, feature, field in ((MODEL, "car_value", "salary_range"), (WIDE, "f099", "city")):
        of = f"/console/models/{model}"
        features, compared = told(f"{of}/features"), told(f"{of}/compare")
        now, before = features["now_"], features["before"]
        days = f"?start={now['first']}&end={now['last']}&against_start={before['first']}&against_end={before['last']}"
        again = told(f"{of}/features{days}")
        parts = told(f"{of}/parts{days}&feature={feature}&field={field}")["parts"]["parts"]
        rows = features["compared"]["second_rows"]
        assert rows == compared["sides"]["b"]["rows"] == sum(each["second_rows"] for each in parts)
        assert rows == again["compared"]["second_rows"] == told(f"{of}/features/{feature}")["second_rows"]
        assert features["compared"]["first_rows"] == compared["sides"]["a"]["rows"]


def test_pages_with_data_are_read_without_any_script(data: Console, browser: Browser) -> None:
    """A link stands where the script would have loaded the segments, and the quality."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    data.sign_in(page)
    page.goto(f"{data.url}{AT}/features/car_value")
    follow(page, "#segments a")
    assert "moved most where" in page.inner_text("#segments")
    page.goto(f"{data.url}{AT}/compare")
    follow(page, "#quality a")
    assert "Accuracy" in page.inner_text("#quality")
    context.close()
