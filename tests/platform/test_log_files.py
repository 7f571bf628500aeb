"""Logs of the processes: bounded, followed, sorted."""

from pathlib import Path

import pytest
import structlog

from munshi.embedded.log_files import Follower, last_lines, own_log, parse, rotate


def test_a_file_that_is_too_large_is_put_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    with path.open("ab", buffering=0) as writer:
        for turn in range(6):
            writer.write(b"%d" % turn * 100 + b"\n")
            assert rotate(path, max_bytes=50, kept=3)
            assert path.stat().st_size == 0
        writer.write(b"after\n")
    assert path.read_bytes() == b"after\n"
    kept = sorted(entry.name for entry in tmp_path.iterdir())
    assert kept == ["x.log", "x.log.1", "x.log.2", "x.log.3"]
    assert (tmp_path / "x.log.1").read_bytes() == b"5" * 100 + b"\n"
    assert (tmp_path / "x.log.3").read_bytes() == b"3" * 100 + b"\n"


def test_a_file_that_cannot_be_put_aside_stays_with_the_older_ones(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"new" * 100)
    (tmp_path / "x.log.1").write_bytes(b"old")
    (tmp_path / "x.log.0").mkdir()  # nothing can be copied to where copies are made
    for _ in range(3):
        with pytest.raises(OSError, match=r"x\.log\.0"):
            rotate(path, max_bytes=50, kept=3)
    assert path.read_bytes() == b"new" * 100
    assert (tmp_path / "x.log.1").read_bytes() == b"old"


def test_the_supervisors_own_log_on_a_full_disk_stops_nothing() -> None:
    with own_log(Path("/dev/full"), "supervisor"):
        structlog.get_logger().error("disk_full")


def test_a_small_file_and_a_missing_one_stay(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    assert not rotate(path)
    path.write_text("small\n")
    assert not rotate(path)


def test_a_follower_sees_whole_lines_also_after_the_file_was_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("before\n")
    follower = Follower(path)
    with path.open("ab", buffering=0) as writer:
        writer.write(b"one\ntw")
        assert list(follower.new_lines()) == ["one"]
        writer.write(b"o\n")
        assert list(follower.new_lines()) == ["two"]
        rotate(path, max_bytes=1)
        writer.write(b"three\n")
        assert list(follower.new_lines()) == ["three"]


def test_the_last_lines_of_a_long_file(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("".join(f"line {number} {'x' * 300}\n" for number in range(20_000)))
    found = last_lines(path, 3)
    assert [line.split()[1] for line in found] == ["19997", "19998", "19999"]
    assert last_lines(path, 0) == []
    assert last_lines(tmp_path / "none", 5) == []


def test_times_of_each_kind_of_line_sort_together() -> None:
    ours = parse("ingress", '{"timestamp":"2026-11-21T10:00:02.000000Z","event":"x"}')
    nats = parse("nats", "[77] 2026/11/21 10:00:01.276001 [INF] ready")
    postgres = parse("postgres", "2026-11-21 10:00:03.558 UTC [12335] LOG:  ready")
    other = parse("ingress", "Traceback (most recent call last):")
    assert sorted([ours, nats, postgres], key=lambda line: line.time) == [nats, ours, postgres]
    assert other.time == ""
    assert parse("x", "{broken").fields is None
