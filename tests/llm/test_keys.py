"""Keys of models out of a folder, as a Secret is mounted: over the real protocol, as the server sees them."""

from pathlib import Path

import pytest

from munshi.llm.settings import LlmSettings
from rig.model_chain import chain, prompt
from rig.scripted_llm import Line, scripted_llm


async def test_a_rotated_key_is_live_at_the_next_call(tmp_path: Path) -> None:
    (tmp_path / "m1").write_text("first\n")
    async with scripted_llm(Line("ok")) as model, chain(model, keys=tmp_path) as (models, _):
        await models.answer(prompt())
        (tmp_path / "m1").write_text("second")
        await models.answer(prompt())
        assert [piece async for piece in models.stream(prompt())] == ["ok "]
    assert model.keys == ["first", "second", "second"]


async def test_each_model_is_sent_its_own_key_alone(tmp_path: Path) -> None:
    (tmp_path / "m1").write_text("of the first")
    (tmp_path / "m2").write_text("of the second")
    async with (
        scripted_llm(Line(status=503)) as first,
        scripted_llm(Line("ok")) as second,
        chain(first, second, keys=tmp_path) as (models, _),
    ):
        await models.answer(prompt())
    assert (first.keys, second.keys) == (["of the first"], ["of the second"])


@pytest.mark.parametrize(("said", "sent"), [("of the settings", "of the settings"), ("", "none")])
@pytest.mark.parametrize("there", [True, False], ids=["an empty folder", "no folder"])
async def test_without_a_file_the_settings_are_asked(
    tmp_path: Path, said: str, sent: str, there: bool
) -> None:
    folder = tmp_path if there else tmp_path / "away"
    async with scripted_llm(Line("ok")) as model, chain(model, keys=folder, key=said) as (models, _):
        await models.answer(prompt())
    assert model.keys == [sent]


async def test_the_file_goes_before_the_settings(tmp_path: Path) -> None:
    (tmp_path / "m1").write_text("of the file")
    async with scripted_llm(Line("ok")) as model, chain(model, keys=tmp_path, key="old") as (models, _):
        await models.answer(prompt())
    assert model.keys == ["of the file"]


def test_the_folder_comes_with_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNSHI_LLM_KEYS_DIR", "/etc/munshi/llm-keys")
    assert LlmSettings().llm_keys_dir == Path("/etc/munshi/llm-keys")
