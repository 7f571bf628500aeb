"""Bodies that go out, answers that come back, and what follows from them."""

from datetime import UTC, datetime

import orjson
import pytest

from munshi.contracts.assistant import Button, Reply, Row
from munshi.contracts.ids import MessageID, OutboxID
from munshi_orchestrator.graph import Accepted, Answer, NotSent, Refused, Unknown, read_answer
from munshi_orchestrator.payloads import addressed, body_of, outbox_id_of
from munshi_orchestrator.verdicts import Pause, Result, after

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_a_text_quotes_what_it_answers() -> None:
    body = body_of(Reply(text="Likh liya.", quotes=MessageID("wamid.A")))
    assert body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "context": {"message_id": "wamid.A"},
        "type": "text",
        "text": {"body": "Likh liya.", "preview_url": False},
    }


def test_buttons_and_lists_are_interactive() -> None:
    buttons = body_of(Reply(text="Sahi?", buttons=(Button(id="yes", title="Haan"),)))
    assert buttons["interactive"]["action"]["buttons"] == [
        {"type": "reply", "reply": {"id": "yes", "title": "Haan"}}
    ]
    rows = body_of(Reply(text="Kaun?", list_label="Chuniye", rows=(Row(id="1", title="Ramesh"),)))
    assert rows["interactive"]["action"] == {
        "button": "Chuniye",
        "sections": [{"title": "Chuniye", "rows": [{"id": "1", "title": "Ramesh"}]}],
    }


def test_a_bsuid_goes_into_recipient_and_never_into_to() -> None:
    by_number = addressed({}, OutboxID(7), phone="919800000001", bsuid="IN.abc")
    assert by_number == {"to": "919800000001", "biz_opaque_callback_data": "munshi:7"}
    by_bsuid = addressed({}, OutboxID(7), phone=None, bsuid="IN.abc")
    assert by_bsuid == {"recipient": "IN.abc", "biz_opaque_callback_data": "munshi:7"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("munshi:7", 7),
        (None, None),
        ("", None),
        ("7", None),
        ("other:7", None),
        ("munshi:x", None),
        ("munshi:-1", None),
    ],
)
def test_only_our_own_callback_data_names_a_row(data: str | None, expected: int | None) -> None:
    assert outbox_id_of(data) == expected


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (200, b'{"messages":[{"id":"wamid.X"}]}', Accepted("wamid.X")),
        (200, b'{"messages":[]}', Unknown("http_200")),
        (200, b"<html>", Unknown("http_200")),
        (502, b"<html>Bad gateway</html>", Unknown("http_502")),
        (503, b"[]", Unknown("http_503")),
        (400, b'{"error":{"code":131047,"error_data":{"details":"closed"}}}', Refused(131047, 400, "closed")),
        # the code counts, whatever the status says
        (200, b'{"error":{"code":131056,"title":"pair"}}', Refused(131056, 200, "pair")),
        (401, b'{"error":{"message":"no code"}}', Unknown("http_401")),
    ],
)
def test_answers(status: int, content: bytes, expected: Answer) -> None:
    assert read_answer(status, content) == expected


def test_retry_after_is_kept() -> None:
    answer = read_answer(429, orjson.dumps({"error": {"code": 130429}}), "7")
    assert isinstance(answer, Refused)
    assert answer.retry_after == 7.0


@pytest.mark.parametrize(
    ("code", "result", "pause"),
    [
        (131000, Result.RETRY, None),
        (130429, Result.RETRY, None),
        (131056, Result.RETRY, None),
        (131048, Result.RETRY, Pause.ACCOUNT),
        (368, Result.RETRY, Pause.ACCOUNT),
        (190, Result.RETRY, Pause.CREDENTIALS),
        (200, Result.RETRY, Pause.CREDENTIALS),
        (131047, Result.FAILED, None),
        (131026, Result.FAILED, None),
        (131050, Result.FAILED, None),
        (131053, Result.FAILED, None),
        (132001, Result.FAILED, None),
        (131009, Result.DEAD, None),
        (424242, Result.DEAD, None),
    ],
)
def test_each_class_of_error_has_its_consequence(code: int, result: Result, pause: Pause | None) -> None:
    consequence = after(Refused(code, 400, "why"), 1)
    assert (consequence.result, consequence.pause) == (result, pause)
    assert consequence.code == code
    assert (consequence.reason is not None) == (result is Result.DEAD)


def test_only_131050_opts_the_person_out() -> None:
    assert after(Refused(131050, 400, ""), 1).opts_out
    assert not after(Refused(131026, 400, ""), 1).opts_out


def test_the_pair_is_held_for_four_to_the_power_of_the_tries() -> None:
    waits = [after(Refused(131056, 400, ""), attempt, jitter=0.0).retry_in for attempt in (1, 2, 3)]
    assert waits == [4, 16, 64]


def test_a_passing_error_backs_off_with_jitter() -> None:
    first = after(Refused(131000, 500, ""), 1, jitter=1.0).retry_in
    assert first == 1.25
    late = after(Refused(131000, 500, ""), 20, jitter=0.0).retry_in
    assert late == 60


def test_what_was_never_written_goes_again_at_once_and_then_slower() -> None:
    assert after(NotSent("refused"), 1).retry_in == 0
    second = after(NotSent("refused"), 2, jitter=0.0).retry_in
    assert second == pytest.approx(0.4)


def test_a_lost_answer_is_settled_by_its_status_only() -> None:
    assert after(Unknown("timeout"), 1).result is Result.UNSETTLED


def test_acceptance_keeps_the_id() -> None:
    assert after(Accepted("wamid.X"), 1).wamid == "wamid.X"
