"""Training material, the whole way: consent in the resource, two messages, a masked row."""

from orchestrator.stage import NUMBER, Stage
from rig.cells import tenant_document
from rig.waiting import eventually


async def consent(stage: Stage, *, given: bool) -> None:
    document = tenant_document(
        phone_number_id=NUMBER,
        limits={"messagesPerSecondPerCustomer": 100},
        ledger={"keepTrainingMaterial": given},
    )
    await stage.cells.put_tenant(document, stage.credentials)


async def test_consent_keeps_masked_sentences_and_its_end_deletes_them(stage: Stage) -> None:
    await consent(stage, given=True)
    stage.worker()
    await stage.say("Ramesh ko 500 ka maal udhaar diya")
    await stage.replies(1)
    await stage.say("nahi 600 tha")
    await stage.replies(2)
    await stage.settled()
    rows = await stage.rows("select text, intent, category, outcome, changed from training_samples")
    assert [tuple(row) for row in rows] == [
        ("{name} ko {amt} ka maal udhaar diya", "add_transaction", "credit", "corrected", ["amount"])
    ]
    assert await stage.one("select state->'heard'->0->>'text' from conversations") == "nahi {amt} tha"

    await consent(stage, given=False)
    assert await stage.one("select count(*) from training_samples") == 0
    await stage.say("hello")
    await stage.replies(3)
    await stage.settled()

    async def forgotten() -> bool:
        return bool(await stage.one("select count(*) from conversations where state ? 'heard'") == 0)

    await eventually(forgotten)
    assert await stage.one("select count(*) from training_samples") == 0
