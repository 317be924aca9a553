"""Import jobs, models and schemas in the console: made, mended and deleted by forms, over a real server and files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from browsing import FAINT
from consoled import BUDGET_BYTES, UNFIT, Console, follow, token_of
from loaned import MODEL
from playwright.sync_api import Page
from s3 import WRITER, Server, use

from driftline import registry
from driftline.catalog import imports, resources
from driftline.catalog import work as queue
from driftline.catalog.endpoints import KEPT
from driftline.catalog.resources import Resource
from driftline.catalog.work import Work
from driftline.imports import clearing, jobs, running, watching
from driftline.imports.job import JobStatus
from driftline.storage.access import Access

COLUMNS = ("uuid", "at", "age", "city", "churned", "note")
ROWS = [
    (f"r{n}", f"2026-11-0{n % 9 + 1}T10:00:00Z", 20 + n, "Rome" if n % 2 else "Bonn", "yes" if n % 3 else "no", "x")
    for n in range(30)
]
LOOKS = [("light", 1280), ("dark", 390)]


def csv_in(folder: Path, columns: tuple[str, ...] = COLUMNS, rows: object = None, name: str = "a.csv") -> str:
    """A folder with one file, as it is pasted."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [columns, *(rows if isinstance(rows, list) else ROWS)]
    (folder / name).write_text("".join(",".join(map(str, line)) + "\n" for line in lines))
    return f"{folder}/"


def looked_at(page: Page, pictures: Path, name: str) -> None:
    """Pictures of a page in both colours and on a phone, and nothing on it that somebody cannot read."""
    for scheme, width in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.screenshot(path=pictures / f"{name}-{scheme}-{width}.png", full_page=True)
        assert page.evaluate(UNFIT) == [], name
        assert page.evaluate(FAINT) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")


def sampled(page: Page, console: Console, uri: str) -> None:
    """The form of a new import with a sample of this path."""
    page.goto(f"{console.url}/console/new/import")
    page.fill("#uri", uri)
    page.click("text=Look at a sample")
    page.wait_for_selector("#result")


def test_an_import_is_made_from_a_pasted_path(console: Console, page: Page, tmp_path: Path, pictures: Path) -> None:
    """Sample, mapping with types, dry run in place, job: J-18, D-05, D-07."""
    console.sign_in(page)
    page.goto(f"{console.url}/console/imports")
    follow(page, "text=New import")
    looked_at(page, pictures, "import-new")
    sampled(page, console, csv_in(tmp_path / "churned" / "v2"))
    assert page.input_value("#model") == "churned"
    assert page.input_value("#version") == "v2"
    assert [page.input_value(f"#role-{n}") for n in (0, 1, 2)] == ["id", "timestamp", "feature"]
    assert "r0, r1, r2" in page.inner_text(".uses")
    page.select_option("#role-4", "prediction")
    page.select_option("#role-5", "excluded")
    page.select_option("#kind-2", "string")
    page.click("text=Try again")
    page.wait_for_selector("text=binary")
    assert "30 of 30 rows accepted" in page.inner_text(".kept")
    looked_at(page, pictures, "import-sample")
    told = json.loads(page.input_value("#json"))
    assert told["columns"] == {
        "id": "uuid", "timestamp": "at", "lists": {"prediction": ["churned"]}, "exclude": ["note"],
    }  # fmt: skip
    assert {each["name"]: each["kind"] for each in told["schema"]["fields"]}["age"] == "string"
    follow(page, "text=Save and start")
    assert page.inner_text("h1") == "Import of predictions into churned"
    with console.made.catalog.read() as tx:
        schema = registry.get_version(tx, "churned", "v2").schema
    assert [(each.name, str(each.role), str(each.kind)) for each in schema] == [
        ("age", "feature", "string"), ("city", "feature", "string"), ("churned", "prediction", "boolean"),
    ]  # fmt: skip


def test_fix_schema_leads_to_the_field(console: Console, page: Page, tmp_path: Path, pictures: Path) -> None:
    """From each fault straight to its entry, with a suggestion that is taken with a click (D-06, D-08)."""
    console.sign_in(page)
    rows = [(f"r{n}", "2026-11-01T00:00:00Z", "abc" if n == 3 else n, "yes", 0.5) for n in range(6)]
    uri = csv_in(tmp_path / "fixed", ("ID", "when", "Car Value", "out", "extra"), rows)
    page.goto(f"{console.url}/console/new/import?model={MODEL}")
    page.fill("#uri", uri)
    page.click("text=Look at a sample")
    page.wait_for_selector("text=edit the schema")
    assert page.input_value("#version") == "1"
    assert "failed" in page.inner_text(".kept")
    looked_at(page, pictures, "import-faults")
    line = page.locator("tr", has_text="perhaps it is 'Car Value'").first
    line.locator("a.fix").click()
    assert page.evaluate("document.activeElement.id") == "role-2"
    page.click("button:has-text('is the feature')")
    page.wait_for_selector("#role-2 option[value=feature][selected]", state="attached")
    assert page.input_value("#field-2") == "car_value"
    page.select_option("#role-0", "id")
    page.select_option("#role-1", "timestamp")
    page.select_option("#role-3", "prediction")
    page.fill("#field-3", "prediction")
    page.click("text=Try again")
    page.wait_for_selector("text=6 of 6 rows accepted")
    told = json.loads(page.input_value("#json"))["columns"]
    assert told == {
        "id": "ID", "timestamp": "when",
        "fields": {"feature/car_value": "Car Value", "prediction/prediction": "out"},
    }  # fmt: skip
    kind = page.locator("tr", has_text="Invalid_Value").locator("a.fix")
    assert kind.get_attribute("href") == f"/console/models/{MODEL}/versions/1/schema#field-car_value"


def test_what_is_wrong_stands_at_its_entry_and_what_was_typed_stays(
    console: Console, page: Page, tmp_path: Path
) -> None:
    """Also without scripts; JSON is read and shown in place of the form (D-07)."""
    console.sign_in(page)
    page.goto(f"{console.url}/console/new/import")
    page.fill("#uri", "folder")
    page.click("text=Look at a sample")
    page.wait_for_selector(".wrong .fault")
    assert "by its whole path" in page.inner_text(".paths .fault")
    assert page.input_value("#uri") == "folder"
    uri = csv_in(tmp_path / "typed")
    page.fill("#uri", uri)
    page.click("text=How they are read")
    page.fill("#settings", "separator;")
    page.click("text=Look at a sample")
    page.wait_for_selector("text=Expected a JSON object")
    assert page.input_value("#settings") == "separator;"
    page.click("text=The same as JSON")
    page.fill("#json", json.dumps({"uri": uri, "model": "typed", "version": "9", "columns": {"id": "uuid"}}))
    page.click("text=Take over this JSON")
    page.wait_for_selector("#result")
    assert page.input_value("#version") == "9"
    page.click("text=What is done with what is doubtful")
    page.fill("#policies-past_days", "long")
    page.click("text=Try again")
    page.wait_for_selector("details[open] .wrong .fault")
    assert page.input_value("#policies-past_days") == "long"
    page.click("text=The same as JSON")
    page.fill("#json", "{")
    page.click("text=Take over this JSON")
    page.wait_for_selector("#json-told .fault")
    assert page.input_value("#json") == "{"


def test_a_model_is_made_versioned_edited_and_deleted(console: Console, page: Page, pictures: Path) -> None:
    """By forms that keep what was typed; a schema as a table, with what a change means before it is kept."""
    console.sign_in(page)
    follow(page, "text=New model")
    page.fill("#id", "/risky/")
    page.fill("#tags", '{"team": "growth"}')
    follow(page, "text=Make the model")
    assert page.locator(".wrong .fault").count() == 1
    assert page.input_value("#tags") == '{"team": "growth"}'
    looked_at(page, pictures, "model-new")
    page.fill("#id", "risky")
    page.select_option("#risk", "High")
    follow(page, "text=Make the model")
    page.fill("#version", "v1")
    page.select_option("#type", "binary")
    follow(page, "text=Make the version")
    assert page.inner_text("h1") == "Schema of version v1"
    page.fill("#name-0", "age")
    page.fill("#name-1", "grade")
    page.select_option("#role-1", "prediction")
    page.select_option("#kind-1", "string")
    page.fill("#name-2", "_own")
    page.click("text=What changes >> nth=0")
    page.wait_for_selector(".wrong .fault")
    assert page.input_value("#name-1") == "grade"
    page.fill("#name-2", "")
    page.click("button:has-text('What changes')")
    page.wait_for_selector("#changes")
    assert "prediction, string" in page.inner_text("section >> nth=0")
    looked_at(page, pictures, "schema")
    follow(page, "button.main:has-text('Save')")
    assert page.input_value("#name-1") == "grade"
    page.goto(f"{console.url}/console/models/risky/edit")
    page.fill("#owner", "ada")
    page.fill("#name", "Risky business")
    follow(page, "button.main")
    assert "Risky business" in page.inner_text("h1") and "ada" in page.inner_text(".facts")
    follow(page, "a.act:has-text('Delete')")
    assert "It has no monitors." in page.inner_text("main")
    looked_at(page, pictures, "model-delete")
    follow(page, "button.danger")
    assert "Risky business" not in page.inner_text("main")


def test_where_rows_come_from_and_what_watches_them(console: Console, page: Page, pictures: Path) -> None:
    """Lineage and volumes of a model (DB-08, DB-04); deleting one that is fed is refused with the reason."""
    console.sign_in(page)
    page.goto(f"{console.url}/console/models/{MODEL}/lineage")
    drawn = page.locator("svg.lineage")
    assert drawn.locator("a", has_text="s3://loans/").count() == len(console.made.jobs)
    assert drawn.locator("a", has_text="drift").count() == 1
    assert drawn.locator("path").count() >= 3
    looked_at(page, pictures, "lineage")
    served = Resource("endpoint", "loans-live", "arn:aws:sagemaker:us-east-1:1:endpoint/loans-live", {
        "EndpointConfigName": "c", KEPT: {"ProductionVariants": [{"VariantName": "all", "ModelName": MODEL}]},
    }, "InService", console.made.catalog.clock(), console.made.catalog.clock())  # fmt: skip
    with console.made.catalog.begin() as tx:
        resources.create(tx, served)
    page.reload()
    follow(page, "svg.lineage a:has-text('loans-live')")
    assert page.inner_text("h1") == "Endpoint loans-live" and MODEL in page.inner_text("main table")
    looked_at(page, pictures, "endpoint")
    with console.made.catalog.begin() as tx:
        resources.delete(tx, "endpoint", "loans-live")
    page.goto(f"{console.url}/console/models/{MODEL}/volume")
    assert page.locator("svg.plot path.is").count() >= 4
    looked_at(page, pictures, "volume")
    page.goto(f"{console.url}/console/models/{MODEL}/delete")
    assert page.locator("button.danger").count() == 0
    assert "Delete those first" in page.inner_text(".trouble")


def work(console: Console, model: str) -> None:
    """Look through the paths of a model's jobs, and do all that is queued of them, as workers do."""
    catalog, settings = console.made.catalog, console.made.settings
    with catalog.read() as tx:
        found = [jobs.of_row(row) for row in imports.of_model(tx, model)]
    for each in found:
        if each.status is JobStatus.ACTIVE:
            watching.look_through(catalog, each, Access(), now=catalog.clock())
    while held := claimed(console, model):
        do = clearing.run if held.kind == clearing.WORK else running.run
        do(catalog, held, settings, Access(), lambda line: None)


def claimed(console: Console, model: str) -> Work | None:
    """The next work of a model; what is of others waits on."""
    catalog, others = console.made.catalog, list[Work]()
    with catalog.begin() as tx:
        while held := queue.claim(tx, "test", now=catalog.clock(), lease_seconds=600):
            if held.lane == jobs.lane_of(model):
                break
            others.append(held)
        for each in others:
            queue.give_back(tx, each, run_after=catalog.clock())
    return held


def test_a_file_of_many_columns_is_a_page_as_small_as_others(console: Console, tmp_path: Path) -> None:
    """The first of them in the form, the others as they are inferred, or by JSON; without a browser."""
    names = tuple(f"column_{n}" for n in range(500))
    uri = csv_in(tmp_path / "wide", ("id", *names), [("a", *range(500)), ("b", *range(500))])
    asked, path = console.signed_in(), f"{console.url}/console/new/import"
    form = {"token": token_of(asked.get(path, timeout=30).text), "uri": uri, "act": "look"}
    answer = asked.post(path, data=form, timeout=30)
    assert "120 of 501 columns are shown" in answer.text
    assert len(answer.content) < BUDGET_BYTES
    told = asked.post(f"{path}?format=json", data=form, timeout=30).json()
    assert told["tried"]["status"] == "passed" and told["draft"]["columns"] == {"id": "id"}


def test_a_file_that_fails_is_mended_and_read_again(
    console: Console, page: Page, tmp_path: Path, pictures: Path
) -> None:
    """Counts that add up, errors with row and column, a dry run before saving, rejected rows to download (J-08)."""
    console.sign_in(page)
    uri = csv_in(tmp_path / "mended", ("uuid", "at", "age", "prediction"), [("a", "2026-11-01T00:00:00Z", 1, "yes")])
    sampled(page, console, uri)
    follow(page, "text=Save and start")
    job = page.url
    work(console, "mended")
    rows = [(f"b{n}", "soon" if n < 2 else "2026-11-02T00:00:00Z", n, "no") for n in range(5)]
    csv_in(tmp_path / "mended", ("uuid", "at", "age", "prediction"), rows, "b.csv")
    csv_in(tmp_path / "mended", ("uuid", "at", "Years", "foretold"), rows[2:], "c.csv")
    work(console, "mended")
    page.wait_for_selector("text=failed (1)")  # the page follows by itself
    page.reload()
    assert "6 = 4 accepted + 2 rejected + 0 duplicate" in page.inner_text(".facts").replace("\n", " ")
    assert "failed (1)" in page.inner_text("section[aria-labelledby=files]")
    assert page.locator("svg.plot path.is").count() >= 2
    looked_at(page, pictures, "import-job")
    page.click("text=b.csv")
    assert "Invalid_Timestamp" in page.inner_text("#main")
    with page.expect_download() as told:
        page.click("text=Download CSV")
    lines = Path(told.value.path()).read_text().splitlines()
    assert len(lines) == 3 and "soon" in lines[1]
    page.goto(f"{job}?status=failed")
    follow(page, "text=Fix schema >> nth=0")
    assert page.url.startswith(f"{job}/edit?file=")
    assert "failed" in page.inner_text(".kept")
    looked_at(page, pictures, "import-edit")
    page.click("a.fix >> nth=0")
    assert page.evaluate("document.activeElement.id") == "role-2"
    page.select_option("#role-3", "prediction")
    page.fill("#field-3", "prediction")
    page.click("text=What is done with what is doubtful")
    page.fill("#policies-poll_seconds", "0")
    page.click("text=Try again")
    page.wait_for_selector("#policies-poll_seconds[aria-invalid]")
    page.fill("#policies-poll_seconds", "60")
    follow(page, "button.main:has-text('Save')")
    assert "looks every 60 seconds" in page.inner_text("section[aria-labelledby=about]")


def test_a_job_is_deleted_and_its_rows_purged(console: Console, page: Page, tmp_path: Path, pictures: Path) -> None:
    """Each on a page that says what goes away, without scripts, too (J-15, DB-05)."""
    context = page.context.browser
    assert context is not None
    plain = context.new_context(java_script_enabled=False).new_page()
    console.sign_in(plain)
    uri = csv_in(tmp_path / "purged", ("id", "timestamp", "age", "pred"), [("a", "2026-11-01T00:00:00Z", 1, 0.5)])
    plain.goto(f"{console.url}/console/new/import")
    plain.fill("#uri", uri)
    follow(plain, "text=Look at a sample")
    plain.fill("#model", "purged")
    follow(plain, "text=Save and start")
    work(console, "purged")
    follow(plain, ".title >> text=Delete")
    assert "1 accepted row stays" in plain.inner_text("main")
    looked_at(plain, pictures, "import-delete")
    follow(plain, "button.danger")
    assert plain.inner_text(".title .pill") == "deleted"
    follow(plain, "text=Purge its rows")
    assert "1 accepted row of 1 file," in plain.inner_text("main")
    follow(plain, "button.danger")
    assert "are being purged" in plain.inner_text("[role=status]")
    work(console, "purged")
    plain.reload()
    assert "Purged: 1 row is gone." in plain.inner_text("[role=status]")
    plain.context.close()


def test_what_reading_a_bucket_needs_is_told_with_what_its_owner_can_copy(
    console: Console, page: Page, s3: Server, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-06: the missing permission by its name, and the policy that grants it."""
    use(monkeypatch, s3.environment(WRITER))
    bucket = s3.bucket("nobodys-bucket")
    console.sign_in(page)
    page.goto(f"{console.url}/console/new/import")
    page.fill("#uri", f"s3://{bucket}/churn/")
    page.click("text=Look at a sample")
    page.wait_for_selector("#needs")
    looked_at(page, pictures, "import-needs")
    assert "arn:aws:s3:::nobodys-bucket/churn/*" in page.inner_text("pre")
    assert "s3:ListBucket" in page.inner_text("section[aria-labelledby=needs]")
