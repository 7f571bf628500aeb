"""Free TCP ports, below the range from which the system takes those of outgoing connections."""

import os
import socket

_LOW, _HIGH = 12_000, 31_000
_next = _LOW + (os.getpid() * 101) % (_HIGH - _LOW)


def free_port() -> int:
    """A port of the loopback address that nobody listens on; never the same one twice in this process."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row."""
    global _next  # noqa: PLW0603 (a port given once must not be given again)
    for _ in range(2_000):
        base = _next
        _next += count
        if _next >= _HIGH:
            _next = _LOW
            continue
        if all(_is_free(base + offset) for offset in range(count)):
            return base
    raise RuntimeError(f"no {count} free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
