"""The page at /_local, looked at in Chromium while the sample app runs."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from emulator.cloud import Cloud

TRUST = '{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "x"}}}'
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"
NAPPER = {
    "StartAt": "Prepare",
    "States": {
        "Prepare": {"Type": "Pass", "Next": "Nap"},
        "Nap": {"Type": "Wait", "Seconds": 1800, "Next": "Sort"},
        "Sort": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.bad", "BooleanEquals": True, "Next": "Give up"}],
            "Default": "Both",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "Left", "States": {"Left": {"Type": "Pass", "End": True}}},
                {"StartAt": "Right", "States": {"Right": {"Type": "Pass", "End": True}}},
            ],
            "End": True,
        },
        "Give up": {"Type": "Fail", "Error": "Spoilt", "Cause": MARKUP},
    },
}

Outputs = dict[str, str]


@pytest.fixture(scope="module")
def outputs(cloud: Cloud, sample_assembly: Path) -> Outputs:
    deployed = cloud.deploy(sample_assembly)
    outputs = {key: value for stack in deployed.values() for key, value in stack.items()}
    role = cloud.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    napper = cloud.client("stepfunctions").create_state_machine(
        name="napper", definition=json.dumps(NAPPER), roleArn=role
    )
    cloud.client("events").put_rule(Name="nightly", ScheduleExpression="cron(0 2 * * ? *)")
    cloud.client("apigatewayv2").create_api(Name=MARKUP, ProtocolType="HTTP")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", "def handler(event, context):\n    print(event['say'])\n")
    cloud.client("lambda").create_function(
        FunctionName="parrot",
        Runtime="python3.13",
        Handler="handler.handler",
        Role=role,
        Code={"ZipFile": code.getvalue()},
    )
    return {**outputs, "Napper": napper["stateMachineArn"]}


def start_nap(cloud: Cloud, outputs: Outputs, name: str, *, bad: bool) -> None:
    cloud.client("stepfunctions").start_execution(
        stateMachineArn=outputs["Napper"], name=name, input=json.dumps({"bad": bad})
    )


@pytest.fixture
def page(browser: Browser, cloud: Cloud, outputs: Outputs) -> Iterator[Page]:  # noqa: ARG001 - deployed before the page is opened
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        opened = context.new_page()
        opened.set_default_timeout(8000)
        errors: list[str] = []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("console", lambda told: errors.extend(troubles(told)))
        opened.on("response", lambda answer: errors.append(answer.url) if answer.status >= 500 else None)
        opened.on("dialog", lambda dialog: errors.append(f"a script ran: {dialog.message}"))
        opened.goto(f"{cloud.endpoint}/_local")
        expect(opened.locator("#functions table")).to_be_visible()
        yield opened
        assert errors == []


def troubles(told: ConsoleMessage) -> list[str]:
    """Give what the console has to complain about; Chromium's note of a refused request is no complaint."""
    return [told.text] if told.type == "error" and "400 (Bad Request)" not in told.text else []


def row(page: Page, section: str, name: str) -> Any:
    return page.locator(f"#{section} tbody tr").filter(has=page.locator("th", has_text=name)).first


def time_shown(page: Page) -> datetime:
    shown = page.locator("#now").get_attribute("datetime")
    assert shown
    return datetime.fromisoformat(shown)


def press(page: Page, name: str) -> None:
    """Press a button of the clock and wait until it has done its work."""
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("button", name="Freeze")).to_be_enabled()


def test_it_shows_what_is_deployed(page: Page) -> None:
    for heading in (
        "Functions",
        "State machines",
        "HTTP APIs",
        "Queues",
        "Rules and schedules",
        "Stacks",
        "Calls",
    ):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(row(page, "functions", "greet")).to_contain_text("python3.13128 MB20.0 s")
    expect(row(page, "queues", "Uploads")).to_contain_text("countwords")
    expect(row(page, "schedules", "nightly")).to_contain_text("cron(0 2 * * ? *)")
    expect(row(page, "schedules", "OnUpload")).to_contain_text("queue Uploads")
    expect(row(page, "apis", "/private/{name}")).to_contain_text("AWS_IAM")
    stack = page.locator("#stacks details", has_text="SampleWords")
    expect(stack.get_by_role("table")).to_be_hidden()
    stack.locator("summary").click()
    expect(stack.get_by_role("table")).to_contain_text("AWS::StepFunctions::StateMachine")


def test_an_invocation_is_counted_and_an_error_stands_out_with_its_log(page: Page, outputs: Outputs) -> None:
    with urllib3.PoolManager() as http:
        http.request("GET", f"{outputs['ApiEndpoint']}/greetings/ann")
        http.request("GET", f"{outputs['ApiEndpoint']}/greetings/broken")
    greet = row(page, "functions", "greet")
    expect(greet).to_contain_text("! 1")
    expect(greet.locator("svg rect")).to_have_count(2)
    greet.get_by_role("button").click()
    expect(page.locator("#functions .detail")).to_contain_text("ValueError: asked to break")
    expect(page.locator("#functions .detail .call")).to_have_count(2)
    page.locator("#meter").locator("[data-act=all-calls]").click()
    expect(page.locator("#meter tbody")).to_contain_text("execute-api")
    page.locator("#meter").get_by_role("button", name="Service").click()
    expect(page.locator("#meter tbody td:nth-child(2)").first).to_have_text("apigateway")


def test_names_and_log_lines_with_markup_are_text(page: Page, cloud: Cloud) -> None:
    cloud.client("lambda").invoke(FunctionName="parrot", Payload=json.dumps({"say": MARKUP}))
    row(page, "functions", "parrot").get_by_role("button").click()
    expect(page.locator("#functions .detail pre")).to_contain_text(MARKUP)
    expect(page.locator("#apis")).to_contain_text(MARKUP)
    assert page.locator("main img").count() == 0


def test_the_clock_moves_as_its_buttons_say(page: Page) -> None:
    press(page, "Freeze")
    expect(page.locator("#mode")).to_have_text("frozen")
    frozen = time_shown(page)
    press(page, "+1 hour")
    assert time_shown(page) == frozen + timedelta(hours=1)
    press(page, "+1 day")
    assert time_shown(page) == frozen + timedelta(hours=25)
    press(page, "Next event")
    expect(page.locator("#now")).to_contain_text("02:00:00 UTC")
    expect(row(page, "schedules", "nightly")).to_contain_text("1 d")
    page.get_by_label("Advance to").fill(f"{time_shown(page) + timedelta(days=2, hours=3):%Y-%m-%dT%H:%M:%S}")
    before = time_shown(page)
    press(page, "Advance")
    assert time_shown(page) == before + timedelta(days=2, hours=3)
    press(page, "Run free")
    expect(page.locator("#mode")).to_have_text("running free")


def test_a_moment_in_the_past_is_refused_in_words(page: Page) -> None:
    page.get_by_label("Advance to").fill("2001-01-01T00:00:00")
    with page.expect_response("**/_local/clock") as answered:
        press(page, "Advance")
    assert answered.value.status == 400
    expect(page.get_by_role("status")).to_contain_text("does not go back")


def test_dead_letters_stand_out(page: Page, cloud: Cloud, outputs: Outputs) -> None:
    letters = row(page, "queues", "DeadLetters")
    expect(letters).not_to_contain_text("!")
    cloud.client("sqs").send_message(QueueUrl=outputs["UploadsQueue"], MessageBody="no event")
    press(page, "+1 hour")
    expect(letters).to_contain_text("! dead letters1")
    expect(page.locator("#summary")).to_contain_text("! 1 dead letter")


def test_an_execution_goes_on_when_the_clock_does(page: Page, cloud: Cloud, outputs: Outputs) -> None:
    press(page, "Freeze")
    start_nap(cloud, outputs, "good", bad=False)
    start_nap(cloud, outputs, "spoilt", bad=True)
    good, spoilt = page.get_by_role("button", name="good"), page.get_by_role("button", name="spoilt")
    good.click()
    expect(page.locator("[data-state=Nap]")).to_have_attribute("data-status", "current")
    expect(page.locator("[data-state=Prepare]")).to_have_attribute("data-status", "succeeded")
    expect(page.locator("[data-state=Both]")).to_have_attribute("data-status", "untouched")
    press(page, "+1 hour")
    for state in ("Nap", "Sort", "Both", "Left", "Right"):
        expect(page.locator(f"[data-state={state}]")).to_have_attribute("data-status", "succeeded")
    expect(page.locator("#machines .detail")).to_contain_text('"bad": false')
    spoilt.click()
    expect(page.locator("[data-state='Give up']")).to_have_attribute("data-status", "failed")
    expect(page.locator("#machines .detail")).to_contain_text("Spoilt")
    expect(page.locator("#machines .detail")).to_contain_text(MARKUP)
    page.locator("#machines .history > summary").click()
    expect(page.locator("#machines .history")).to_contain_text("WaitStateExited")


def test_states_do_not_lie_over_each_other(page: Page, cloud: Cloud, outputs: Outputs) -> None:
    start_nap(cloud, outputs, "drawn", bad=False)
    page.get_by_role("button", name="drawn").click()
    expect(page.locator("svg.graph")).to_be_visible()
    boxes = {
        name: page.locator(f"[data-state='{name}'] > rect").bounding_box()
        for name in ("Prepare", "Nap", "Sort", "Give up", "Left", "Right")
    }
    for name, box in boxes.items():
        for other, there in boxes.items():
            assert box is not None
            assert there is not None
            apart = (
                box["x"] + box["width"] <= there["x"]
                or there["x"] + there["width"] <= box["x"]
                or box["y"] + box["height"] <= there["y"]
                or there["y"] + there["height"] <= box["y"]
            )
            assert name == other or apart, f"{name} lies over {other}"


def test_the_page_itself_never_scrolls_sideways(page: Page, cloud: Cloud, outputs: Outputs) -> None:
    start_nap(cloud, outputs, "wide", bad=False)
    page.get_by_role("button", name="wide").click()
    expect(page.locator("svg.graph")).to_be_visible()
    page.locator("#stacks summary").first.click()
    for width in (1280, 700, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_light_and_dark_follow_the_readers_setting(page: Page) -> None:
    def brightness() -> int:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour.strip("rgb()").split(",")))

    page.emulate_media(color_scheme="light")
    assert brightness() > 600
    page.emulate_media(color_scheme="dark")
    assert brightness() < 150


def test_every_button_and_field_has_a_name_and_every_table_heads_its_columns(page: Page) -> None:
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, input')]"
        ".filter(each => !(each.textContent || each.labels?.length)).length"
    )
    headless = page.evaluate(
        "[...document.querySelectorAll('table')]"
        ".filter(each => !each.caption || !each.querySelector('th[scope=col]')).length"
    )
    assert (nameless, headless) == (0, 0)


def test_it_asks_only_while_somebody_looks(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    show = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    show += " document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(show, arg=True)
    page.wait_for_timeout(1300)
    in_flight = len(asked)
    page.wait_for_timeout(1300)
    assert len(asked) == in_flight
    with page.expect_request("**/_local/overview"):
        page.evaluate(show, arg=False)


def test_a_readers_focus_and_open_parts_survive_the_next_look(page: Page) -> None:
    stack = page.locator("#stacks details").first
    stack.locator("summary").click()
    row(page, "functions", "greet").get_by_role("button").focus()
    for _ in range(2):
        with page.expect_response("**/_local/overview"):
            pass
    expect(row(page, "functions", "greet").get_by_role("button")).to_be_focused()
    expect(stack.get_by_role("table")).to_be_visible()


@pytest.mark.usefixtures("outputs")
def test_it_says_when_the_cloud_does_not_answer_and_goes_on_when_it_does(
    browser: Browser, cloud: Cloud
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.route("**/_local/overview", lambda route: route.abort())
        page.goto(f"{cloud.endpoint}/_local/")
        expect(page.get_by_role("status")).to_contain_text("does not answer")
        page.unroute("**/_local/overview")
        expect(page.locator("#functions table")).to_be_visible()
        expect(page.get_by_role("status")).to_be_empty()
