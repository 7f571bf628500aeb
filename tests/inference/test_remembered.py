"""What readers of texts keep of words: asked once, and never more than so much."""

from munshi_inference.language.remembered import Remembered


def test_a_word_is_asked_about_once_until_the_memory_is_full() -> None:
    asked: list[str] = []

    def length(word: str) -> int:
        asked.append(word)
        return len(word)

    known = Remembered(length, most=3)
    assert [known[word] for word in ("a", "bb", "a", "ccc", "bb")] == [1, 2, 1, 3, 2]
    assert asked == ["a", "bb", "ccc"]
    assert known["dddd"] == 4
    assert set(known) == {"dddd"}
    assert [known[word] for word in ("a", "dddd")] == [1, 4]
    assert asked == ["a", "bb", "ccc", "dddd", "a"]
