"""Vectors of texts: the small engine of every machine, and services by URL."""

import functools
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from munshi.contracts.media import Embedder
from munshi.errors import Permanent, Retryable
from munshi.inference import EngineMissing, InferenceSettings, load_engine
from munshi_inference.embeddings import small
from munshi_inference.embeddings.small import SmallEmbedder, load_small
from munshi_inference.nlu.repository import latest, repository
from munshi_inference.training.embeddings import save, train
from rig.openai_service import openai_service

_EMBEDDINGS = "munshi.readers.embeddings"


@functools.cache
def _small() -> SmallEmbedder:
    return load_small(InferenceSettings())


@pytest.fixture
def engine() -> SmallEmbedder:
    return _small()


def likeness(engine: SmallEmbedder, one: str, other: str) -> float:
    first, second = engine.vectors([one, other])
    return float(first @ second)


@pytest.mark.parametrize(
    ("name", "same", "other"),
    [
        ("Sharma Traders", "SHARMA TRADERS PVT LTD", "Gupta Medical Store"),
        ("Sharma Traders", "Sharrna Tradcrs", "Verma Sweets"),
        ("Ramesh", "Ramesh bhai", "Suresh"),
        ("Ramesh", "रमेश", "महेश"),
        ("Balaji Medicos", "BALAJI MEDICOS, Andheri", "Krishna Medicos"),
        ("petrol kharcha", "diesel ka kharcha", "ramesh ko udhaar diya"),
    ],
)
def test_what_belongs_together_is_nearer(engine: SmallEmbedder, name: str, same: str, other: str) -> None:
    assert likeness(engine, name, same) > likeness(engine, name, other) + 0.05


def test_names_are_found_again_in_the_other_script(engine: SmallEmbedder) -> None:
    lines = (Path(__file__).parent / "names.tsv").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines if not line.startswith("#")]
    latin = engine.vectors([one for one, _ in pairs])
    devanagari = engine.vectors([other for _, other in pairs])
    likeness = devanagari @ latin.T
    for nearest in (likeness.argmax(axis=0), likeness.argmax(axis=1)):
        found = sum(place == number for number, place in enumerate(nearest))
        assert found >= 0.95 * len(pairs)
    own = likeness.diagonal()
    assert own.mean() >= 0.8
    assert (own >= 0.6).sum() >= 0.9 * len(pairs), "near enough to be looked at"


async def test_the_port_gives_vectors_of_length_one() -> None:
    engine: Embedder = load_engine(_EMBEDDINGS, InferenceSettings())
    vectors = await engine.embed(("Sharma Traders", "रमेश", ""))
    assert [len(vector) for vector in vectors] == [128] * 3
    assert math.isclose(math.hypot(*vectors[0]), 1.0, abs_tol=1e-5)
    assert math.isclose(math.hypot(*vectors[1]), 1.0, abs_tol=1e-5)
    assert not any(vectors[2]), "a text of no words is near to nothing"
    assert engine.info().model == "munshi-small-2"
    await engine.close()


@given(st.lists(st.text(max_size=80), max_size=4))
def test_any_texts_give_finite_vectors_whatever_stands_beside_them(texts: list[str]) -> None:
    engine = _small()
    together = engine.vectors(texts)
    for text, vector in zip(texts, together, strict=True):
        assert all(math.isfinite(value) for value in vector)
        assert engine.vectors([text])[0] == pytest.approx(vector, abs=1e-6)


def test_without_a_model_the_step_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(small, "repository", lambda: tmp_path)
    with pytest.raises(EngineMissing) as raised:
        load_small(InferenceSettings())
    assert "make train-embeddings" in raised.value.info.add


def test_a_model_of_another_shape_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "embeddings" / "1"
    shutil.copytree(latest(repository(), "embeddings"), folder)
    card = folder / "card.json"
    card.write_text(card.read_text().replace("64,", "65,"))
    monkeypatch.setattr(small, "repository", lambda: tmp_path)
    with pytest.raises(EngineMissing, match="shape"):
        load_small(InferenceSettings())


def test_training_gives_the_same_space_again(tmp_path: Path) -> None:
    texts = [
        f"{name} {trade}" for name in ("sharma", "gupta", "verma", "jain") for trade in ("traders", "sweets")
    ]
    texts = [f"{text} {number}" for number in range(20) for text in texts]
    for run in ("a", "b"):
        save(train(texts), tmp_path / run)
    assert (tmp_path / "a" / "card.json").read_text() == (tmp_path / "b" / "card.json").read_text()


class TestService:
    """By URL."""

    @staticmethod
    def settings(url: str) -> InferenceSettings:
        return InferenceSettings(embeddings_url=url, embeddings_model="m")

    async def asked(self, answer: Any, *texts: str) -> tuple[tuple[float, ...], ...]:
        async with openai_service("/embeddings", answer) as service:
            engine: Embedder = load_engine(_EMBEDDINGS, self.settings(service.url))
            try:
                return await engine.embed(texts)
            finally:
                await engine.close()

    async def test_vectors_come_in_order_and_of_length_one(self) -> None:
        async def answer(request: Request) -> Response:
            body = await request.json()
            rows = [
                {
                    "object": "embedding",
                    "index": at,
                    "embedding": [3.0 * (at + 1), 4.0 * (at + 1), *[0.0] * 6],
                }
                for at in range(len(body["input"]))
            ]
            usage = {"prompt_tokens": 1, "total_tokens": 1}
            return JSONResponse(
                {"object": "list", "model": body["model"], "data": rows[::-1], "usage": usage}
            )

        first, second = await self.asked(answer, "a", "b")
        assert first == pytest.approx((0.6, 0.8, 0, 0, 0, 0, 0, 0))
        assert second == pytest.approx(first)

    async def test_vectors_of_another_length_are_refused(self) -> None:
        given: list[list[list[float]]] = [[[1.0, 0.0]], [[1.0]], [[0.0, 1.0], [1.0]], [[0.0, 1.0]], []]

        async def answer(_: Request) -> Response:
            rows = [
                {"object": "embedding", "index": at, "embedding": row} for at, row in enumerate(given.pop(0))
            ]
            return JSONResponse({"object": "list", "model": "m", "data": rows, "usage": {}})

        async with openai_service("/embeddings", answer) as service:
            engine: Embedder = load_engine(_EMBEDDINGS, self.settings(service.url))
            assert len((await engine.embed(("a",)))[0]) == 2
            for texts in (("a",), ("a", "b")):
                with pytest.raises(Permanent) as raised:
                    await engine.embed(texts)
                assert raised.value.reason == "wrong_dimensions"
            assert len((await engine.embed(("a",)))[0]) == 2
            with pytest.raises(Permanent):
                await engine.embed(("a",))
            await engine.close()

    @pytest.mark.parametrize(("status", "error"), [(429, Retryable), (503, Retryable), (400, Permanent)])
    async def test_refusals_are_told_apart(self, status: int, error: type[Exception]) -> None:
        async def answer(_: Request) -> Response:
            return JSONResponse({"error": {"message": "no"}}, status)

        with pytest.raises(error):
            await self.asked(answer, "a")
