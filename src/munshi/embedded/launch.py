"""Becomes another program, under an unprivileged user and bound to the life of its parent.

Run as a file (`python -I -S launch.py PLAN PROGRAM ARGUMENT…`), so it imports the standard library only. PLAN
is JSON as `Confinement.plan` makes it. A process of its own instead of code between fork and exec: the parent
may have threads, and what happens here needs several system calls that Python has no names for.
"""

import ctypes
import json
import os
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CLONE_NEWNS = 0x00020000
_MS_BIND = 4096
_MS_REC = 16384
_MS_PRIVATE = 1 << 18

_libc = ctypes.CDLL(None, use_errno=True)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _checked(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def _bind(source: str, target: str) -> None:
    """Shows `source` at `target`, to this process and what it starts only."""
    _checked(_libc.unshare(_CLONE_NEWNS), "unshare")
    _checked(_libc.mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None), "mount private")
    bind = _libc.mount(os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(_MS_BIND), None)
    _checked(bind, "mount bind")


def _become(uid: int, gid: int, capability: int | None) -> None:
    """Gives up root for good; keeps at most one capability, which survives the exec as an ambient one."""
    if capability is not None:
        _checked(_libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "keep capabilities")
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if capability is None:
        return
    bit = 1 << capability
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    data = (_CapabilityData * 2)(_CapabilityData(bit, bit, bit), _CapabilityData(0, 0, 0))
    _checked(_libc.capset(ctypes.byref(header), ctypes.byref(data)), "set capabilities")
    _checked(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0), "ambient capability")


def _die_with(parent: int, signal_number: int) -> None:
    """Asks the kernel for a signal when the parent ends. Comes last: a change of user would undo it."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "death signal")
    if os.getppid() != parent:
        raise SystemExit("the parent is gone already")


def main(arguments: list[str]) -> None:
    """Follows the plan and becomes the program. Returns never."""
    plan: dict[str, Any] = json.loads(arguments[0])
    program = arguments[1:]
    if plan["bind"] is not None:
        _bind(*plan["bind"])
    if plan["uid"] is not None:
        _become(plan["uid"], plan["gid"], plan["capability"])
    _die_with(plan["parent"], plan["death_signal"])
    os.execv(program[0], program)  # noqa: S606 (this program exists to become another)


if __name__ == "__main__":
    main(sys.argv[1:])
