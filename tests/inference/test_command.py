"""`munshi understand`."""

import json

import pytest
import typer
from typer.testing import CliRunner

from munshi_inference.commands import understand

APP = typer.Typer()
APP.command(name="understand")(understand)
RUNNER = CliRunner()


def test_prints_one_json_object_a_text() -> None:
    texts = ["Ramesh ko 99.50 ka saman udhaar diya", "aaj ka total batao"]
    result = RUNNER.invoke(APP, ["--json", "--today", "2026-11-21", *texts])
    assert result.exit_code == 0
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert set(first) == {"text", "intent", "confidence", "entities"}
    assert first["text"] == texts[0]
    assert first["intent"] == "add_transaction"
    assert first["entities"] == {"amount": "99.50", "customer_name": "Ramesh", "category": "credit"}
    assert 0 < first["confidence"] <= 1
    assert second["intent"] == "query_total_day"
    assert second["entities"] == {"date": "2026-11-21"}


def test_the_text_of_several_entries_is_the_whole_text() -> None:
    text = "Ramesh ko 500 udhaar diye, Suresh ne 200 jama kiye"
    result = RUNNER.invoke(APP, ["--json", text])
    found = json.loads(result.stdout)
    assert found["text"] == text
    assert [entry["entities"]["amount"] for entry in [found, *found["further"]]] == ["500", "200"]


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_reads_standard_input(arguments: list[str]) -> None:
    result = RUNNER.invoke(APP, ["--json", *arguments], input="undo\n\nनमस्ते\n")
    assert [json.loads(line)["intent"] for line in result.stdout.splitlines()] == ["undo", "greet"]


def test_reads_well_without_json() -> None:
    result = RUNNER.invoke(APP, ["Ramesh ne 500 diye"])
    assert result.exit_code == 0
    assert "add_transaction" in result.stdout
    assert "amount=500" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--assistant", "sales", "x"], "ledger"), (["--today", "yesterday", "x"], "2026-11-21")],
)
def test_wrong_use_is_2_and_says_what(arguments: list[str], said: str) -> None:
    result = RUNNER.invoke(APP, arguments)
    assert result.exit_code == 2
    assert said in result.output
