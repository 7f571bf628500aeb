"""Generator and training: valid, and the same again for the same seed."""

import random
from datetime import date
from pathlib import Path

import pytest

from munshi_inference.nlu.engine import LedgerEngine
from munshi_inference.nlu.features import Lexicon, unit_features
from munshi_inference.nlu.repository import LedgerModel, by_key, repository
from munshi_inference.nlu.units import read
from munshi_inference.training import grammar
from munshi_inference.training.generator import all_phrases, sentences
from munshi_inference.training.train import examples, main
from munshi_inference.training.vocabulary import kinds, vocabulary


def test_every_intent_is_said_in_every_writing() -> None:
    said = {
        (p.intent, w)
        for p in all_phrases()
        for w in (("deva", "hinglish") if p.writing == "hi" else (p.writing,))
    }
    assert said == {(intent, w) for intent, _ in said for w in ("deva", "hinglish", "en")}
    assert len({intent for intent, _ in said}) == 11


def test_the_same_seed_gives_the_same_sentences() -> None:
    assert list(sentences(200, 7)) == list(sentences(200, 7))
    assert list(sentences(50, 7)) != list(sentences(50, 8))


def test_spans_lie_on_whole_words_and_every_phrase_can_be_said() -> None:
    for sentence in sentences(2000, 3):
        for start, end, _ in sentence.spans:
            assert sentence.text[start:end].strip() == sentence.text[start:end]
            assert end > start
    rng = random.Random(1)
    for phrase in all_phrases():
        assert grammar.expand(phrase.node, rng) is not None


def test_amounts_in_sentences_are_read_as_numbers() -> None:
    data = examples(1500, 11)
    named = [e for e in data if any(label == "AMT" for *_, label in e.sentence.spans)]
    read = [e for e in named if "AMT" in e.labels]
    assert len(read) >= 0.99 * len(named)


@pytest.mark.parametrize("source", ["(a|b", "{name", "a)", "<a;b"])
def test_a_broken_phrase_is_named(source: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.txt"
    file.write_text(f"[greet none en]\n{source}\n", encoding="utf-8")
    with pytest.raises(grammar.PhraseError, match=r"broken\.txt:2"):
        grammar.load_phrases(file, {})


def test_a_hidden_word_looks_like_one_that_nobody_knows() -> None:
    common, _ = vocabulary()
    reading = read("Ramesh ko chawal diya", date(2026, 11, 21))
    lexicon = Lexicon(common, by_key(kinds()))
    seen, hidden = unit_features(reading, lexicon), unit_features(reading, lexicon, frozenset({0, 2}))
    assert {b"known=True", b"kind=goods"} <= set(seen[2])
    assert b"kind=given" in seen[0]
    for i in (0, 2):
        assert b"known=False" in hidden[i]
        assert not any(f.startswith((b"id=", b"kind=")) for f in hidden[i])


def test_training_again_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        target = tmp_path / folder / "1"
        assert main(["--into", str(target), "--sentences", "300", "--iterations", "6"]) == 0
    first, second = (sorted((tmp_path / f / "1").iterdir()) for f in ("one", "two"))
    assert [f.name for f in first] == ["card.json", "entities.crfsuite", "intent.npz"]
    for a, b in zip(first, second, strict=True):
        assert a.read_bytes() == b.read_bytes(), a.name
    LedgerEngine(LedgerModel(tmp_path / "one" / "1"))


def test_the_model_is_package_data() -> None:
    assert (repository() / "ledger_nlu").is_dir()
