"""What `helm test` runs: asks each `URL=STATUS` until it answers so; all together for two minutes at most."""

import argparse
import sys
import time
import urllib.error
import urllib.request


def status(url: str) -> str:
    """The answer's status, or what went wrong."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (the chart's own addresses)
            return str(answer.status)
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError as error:
        return str(error)


def main() -> int:
    """Runs the command line; 0 when all answered as they must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("asked", nargs="*", metavar="URL=STATUS")
    parser.add_argument("--patience", type=float, default=120.0, metavar="SECONDS")
    options = parser.parse_args()
    until = time.monotonic() + options.patience
    failed = False
    for asked in options.asked:
        url, _, wanted = asked.rpartition("=")
        while (got := status(url)) != wanted and time.monotonic() < until:
            time.sleep(0.5)
        failed |= got != wanted
        said = f"ok   {url} {got}" if got == wanted else f"FAIL {url} {got} (wanted {wanted})"
        sys.stdout.write(said + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
