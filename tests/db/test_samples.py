"""Training material in the database: kept with consent only, for as long as messages, gone when it ends."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from munshi.contracts.assistant import KeepSample, SampleOutcome
from munshi.contracts.tenant import Retention, WhatsAppTenantSpec
from munshi.contracts.understanding import Category, Intent, Language, Script
from munshi.db.admin import upsert_tenant
from munshi.db.retention import purge
from munshi_inference.training.grammar import load_phrases
from rig.cells import tenant_document

from .conftest import SHARMA, VERMA, Cells, Database
from .scenes import Talk, entry, now, talk

TEXT = "{name} ko {amt} ka maal udhaar diya"


def sample(text: str = TEXT, **changes: Any) -> KeepSample:
    given: dict[str, Any] = {
        "text": text,
        "intent": Intent.ADD_TRANSACTION,
        "confidence": 0.9126,
        "category": Category.PAYMENT,
        "language": Language(tag="hi", script=Script.LATIN),
        "outcome": SampleOutcome.CORRECTED,
        "changed": ("category", "amount"),
        **changes,
    }
    return KeepSample(**given)


def consent(*, given: bool) -> WhatsAppTenantSpec:
    document = tenant_document(name="sharma", isolation="Pooled")
    raw = document.spec.model_dump(by_alias=True, mode="json", exclude_none=True)
    raw["ledger"] = {**raw.get("ledger", {}), "keepTrainingMaterial": given}
    return WhatsAppTenantSpec.model_validate(raw)


@pytest.fixture
async def one(cells: Cells, admin: asyncpg.Connection) -> Talk:
    """A conversation of a tenant that consents."""
    await upsert_tenant(admin, SHARMA, consent(given=True))
    return await talk(cells.pool, SHARMA)


async def texts(admin: asyncpg.Connection) -> list[str]:
    rows = await admin.fetch("SELECT text FROM training_samples ORDER BY tenant, id")
    return [row["text"] for row in rows]


async def test_a_turn_writes_its_samples_beside_its_entries(one: Talk, admin: asyncpg.Connection) -> None:
    await one.say("wamid.A", entry("wamid.A#1"), sample())
    (found,) = await admin.fetch("SELECT * FROM training_samples")
    row = dict(found)
    assert row.pop("id") > 0
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert row.pop("created_at") in (day, day - timedelta(days=1)), "no time leads to a message"
    assert row == {
        "tenant": SHARMA,
        "text": TEXT,
        "intent": "add_transaction",
        "confidence": Decimal("0.913"),
        "category": "payment",
        "language": "hi",
        "script": "Latn",
        "outcome": "corrected",
        "changed": ["category", "amount"],
    }
    assert await admin.fetchval("SELECT count(*) FROM transactions") == 1


async def test_without_consent_the_turn_goes_on_and_keeps_nothing(
    cells: Cells, admin: asyncpg.Connection
) -> None:
    stranger = await talk(cells.pool, VERMA)
    await stranger.say("wamid.A", entry("wamid.A#1"), sample())
    assert await texts(admin) == []
    assert await admin.fetchval("SELECT count(*) FROM transactions") == 1


@pytest.mark.parametrize("text", ["udhaar 500 diya", "udhaar ५०० diya", "pay shop@upi"])
async def test_what_was_not_masked_is_refused_by_the_database_too(
    one: Talk, admin: asyncpg.Connection, text: str
) -> None:
    await one.say("wamid.A", sample(text), sample())
    assert await texts(admin) == [TEXT]


async def test_consent_that_is_withdrawn_takes_all_of_it_along(one: Talk, admin: asyncpg.Connection) -> None:
    await one.say("wamid.A", sample(), sample("undo"))
    await upsert_tenant(admin, SHARMA, consent(given=True))
    assert len(await texts(admin)) == 2, "applied again, nothing goes"
    await upsert_tenant(admin, SHARMA, consent(given=False))
    assert await texts(admin) == []
    await one.say("wamid.B", sample())
    assert await texts(admin) == [], "a turn that was computed before"


async def test_the_documented_export_is_a_phrase_file(
    one: Talk, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    await one.say(
        "wamid.A",
        sample(),
        sample("{name} ne {amt} diye", outcome=SampleOutcome.KEPT, category=Category.PAYMENT),
        sample("undo", intent=Intent.UNDO, category=None, outcome=SampleOutcome.KEPT),
        sample("got {amt} from {name}", language=Language(tag="en"), outcome=SampleOutcome.KEPT),
        sample("not to be learnt", outcome=SampleOutcome.UNDONE),
        sample("nor this", outcome=SampleOutcome.CORRECTED, changed=("amount",)),
    )
    page = (Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "samples.txt"
    file.write_text("\n".join(row[0] for row in await admin.fetch(query)), encoding="utf-8")
    found = {(phrase.intent, phrase.category, phrase.writing) for phrase in load_phrases(file, {})}
    assert found == {
        ("add_transaction", "payment", "hinglish"),
        ("add_transaction", "payment", "en"),
        ("undo", "none", "hinglish"),
    }
    assert len(load_phrases(file, {})) == 4


async def test_retention_takes_what_is_old_and_what_lost_its_consent(
    one: Talk, cells: Cells, db: Database, admin: asyncpg.Connection
) -> None:
    await one.say("wamid.A", sample("undo"), sample())
    superuser = await asyncpg.connect(db.superuser_url)
    await superuser.execute("UPDATE training_samples SET created_at = $1 WHERE text = 'undo'",
                            now() - timedelta(days=40))  # fmt: skip
    assert (await purge(cells.pool, SHARMA, Retention(messages="30d"))).samples == 1
    assert await texts(admin) == [TEXT]
    await superuser.execute("ALTER TABLE tenants DISABLE TRIGGER forget_samples")
    await upsert_tenant(admin, SHARMA, consent(given=False))
    await superuser.execute("ALTER TABLE tenants ENABLE TRIGGER forget_samples")
    await superuser.close()
    assert await texts(admin) == [TEXT], "written beside the withdrawal"
    assert (await purge(cells.pool, SHARMA, Retention())).samples == 1
    assert await texts(admin) == []
