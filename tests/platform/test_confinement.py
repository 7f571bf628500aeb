"""How a child is started: its user, its view of the file system, and that it dies with its parent."""

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from munshi.embedded.confinement import Confinement, _closed_ways, _works, confine, may_enter
from munshi.embedded.processes import ProcessSpec, start, stop
from rig.services import alive
from rig.waiting import wait_for

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="changes users: needs root")
NOBODY = (65534, 65534)


def test_a_folder_may_be_entered_by_its_bits(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    owner = inner.parent.stat()
    assert may_enter(inner, owner.st_uid, owner.st_gid) or owner.st_uid != tmp_path.parent.stat().st_uid
    assert not may_enter(inner, 54321, 54321)


@root_only
def test_closed_folders_are_reached_by_one_way_or_another(tmp_path: Path) -> None:
    home = tmp_path / "closed" / "home"
    home.mkdir(parents=True)
    home.parent.chmod(0o700)
    os.chown(home, *NOBODY)
    before = {path: path.stat() for path in home.parents}
    found = confine(home, home)
    assert found.uid == NOBODY[0]
    assert found.bind is not None or found.capability is not None
    after = {path: path.stat() for path in home.parents}
    assert {path: stat.S_IMODE(one.st_mode) for path, one in before.items()} == {
        path: stat.S_IMODE(one.st_mode) for path, one in after.items()
    }


@root_only
def test_every_way_that_this_machine_allows_works(tmp_path: Path) -> None:
    home = tmp_path / "closed" / "home"
    home.mkdir(parents=True)
    home.parent.chmod(0o700)
    os.chown(home, *NOBODY)
    assert not _works(Confinement(*NOBODY), home, home), "the folder is not closed at all"
    ways = _closed_ways(home, home, *NOBODY)
    assert any(_works(way, home, home) for way in ways)


@root_only
def test_a_confined_child_has_given_up_root(tmp_path: Path) -> None:
    status = Path("/proc/self/status")
    spec = ProcessSpec("cat", ("/bin/cat", str(status)), tmp_path / "out", confinement=Confinement(*NOBODY))
    process = start(spec)
    process.wait()
    fields = dict(line.split(":", 1) for line in spec.log.read_text().splitlines())
    assert set(fields["Uid"].split()) == {"65534"}
    assert set(fields["Gid"].split()) == {"65534"}
    assert fields["Groups"].split() == []
    assert int(fields["CapEff"], 16) == 0


def test_a_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from munshi.embedded.processes import ProcessSpec, start
        spec = ProcessSpec("sleep", ("/bin/sleep", "600"), Path(sys.argv[1]))
        print(start(spec).pid, flush=True)
        time.sleep(600)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_for(lambda: Path(f"/proc/{child}/comm").read_text() == "sleep\n", "it is the program")
        parent.kill()
    wait_for(lambda: not alive(child), "it is dead")


def test_a_child_whose_parent_is_gone_before_it_starts_does_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    command = Confinement().command(("/usr/bin/touch", str(marker)), parent=1, death_signal=signal.SIGKILL)
    assert json.loads(command[4])["parent"] == 1
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode != 0
    assert not marker.exists()


def test_what_does_not_end_when_asked_is_killed(tmp_path: Path) -> None:
    stubborn = textwrap.dedent(
        """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("up", flush=True)
        time.sleep(600)
        """
    )
    spec = ProcessSpec("x", (sys.executable, "-c", stubborn), tmp_path / "log", stop_seconds=0.2)
    process = start(spec)
    wait_for(lambda: "up" in spec.log.read_text(), "it runs")
    assert stop(process, spec) == -signal.SIGKILL
