"""The whole chain: a kept message becomes an entry of the books and a reply."""

from orchestrator.stage import Stage


async def test_a_message_becomes_an_entry_and_a_reply(stage: Stage) -> None:
    stage.worker()
    asked = await stage.say("Ramesh ko 500 ka maal udhaar diya")
    (sent,) = await stage.replies(1)
    assert sent.body["context"]["message_id"] == asked
    assert sent.token == stage.credentials.access_token.get_secret_value()
    await stage.settled()
    rows = await stage.rows("select amount, category, customer_name, message_id from transactions")
    assert [
        (str(row["amount"]), row["category"], row["customer_name"], row["message_id"]) for row in rows
    ] == [("500.00", "credit", "Ramesh", asked)]
    assert await stage.one("select state from outbox") == "sent"
    assert await stage.one("select disposition from inbound_messages") == "turn"
