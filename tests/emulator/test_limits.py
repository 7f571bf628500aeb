"""The two rate limits as arithmetic, and the rules of media. Pure."""

import pytest

from munshi_emulator.limits import DAY, Initiated, Throughput, pair_next
from munshi_emulator.mediatypes import problem

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 56
OGG = b"OggS\0\x02" + b"\0" * 22 + b"OpusHead" + b"\0" * 28


def test_throughput_gives_one_second_and_refills() -> None:
    bucket = Throughput(80)
    assert sum(bucket.take(1000.0) for _ in range(200)) == 80
    assert sum(bucket.take(1000.5) for _ in range(200)) == 40


def test_throughput_counts_inbound_but_never_owes_more_than_a_second() -> None:
    bucket = Throughput(80)
    for _ in range(10_000):
        assert bucket.take(1000.0, force=True)
    assert not bucket.take(1001.0)
    assert bucket.take(1002.1)


def test_pair_limit_is_45_at_once_then_one_per_six_seconds() -> None:
    theoretical = 0.0
    accepted = 0
    while (due := pair_next(theoretical, 5000.0)) is not None:
        theoretical = due
        accepted += 1
    assert accepted == 45
    assert pair_next(theoretical, 5005.9) is None
    after = pair_next(theoretical, 5006.0)
    assert after is not None
    assert pair_next(after, 5006.0) is None


def test_the_messaging_limit_counts_people_over_a_rolling_day() -> None:
    counted = Initiated()
    assert [counted.take(who, at, 2) for who, at in (("a", 0.0), ("b", 10.0), ("c", 20.0))] == [
        True,
        True,
        None,
    ]
    assert counted.take("a", DAY - 1, 2) is False
    assert counted.take("c", DAY - 1, 2) is None
    assert counted.take("c", DAY, 2) is True
    assert counted.take("a", DAY + 5, 2) is None
    assert counted.take("a", DAY + 5, None) is True


@pytest.mark.parametrize(
    ("mime", "size", "head", "fits"),
    [
        ("image/png", 5 * 1024 * 1024, PNG, True),
        ("image/png", 5 * 1024 * 1024 + 1, PNG, False),
        ("image/jpeg", 1000, PNG, False),
        ("image/gif", 1000, b"GIF89a", False),
        ("audio/ogg; codecs=opus", 16 * 1024 * 1024, OGG, True),
        ("audio/ogg", 16 * 1024 * 1024 + 1, OGG, False),
        ("video/mp4", 1000, b"\0\0\0\x18ftypmp42", True),
        ("video/mp4", 1000, b"RIFF....AVI ", False),
        ("application/pdf", 100 * 1024 * 1024, b"%PDF-1.7", True),
        ("application/pdf", 10, b"<html>", False),
        ("image/webp", 500 * 1024, b"RIFF....WEBP", True),
        ("image/webp", 500 * 1024 + 1, b"RIFF....WEBP", False),
        ("text/plain", 0, b"", False),
    ],
)
def test_media_rules(mime: str, size: int, head: bytes, *, fits: bool) -> None:
    assert (problem(mime, size, head) is None) is fits
