"""What `helm test` runs: asks each `URL=STATUS` until it answers with that status, for two minutes in all."""

import sys
import time
import urllib.error
import urllib.request

until = time.monotonic() + 120


def status(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(error)


failed = False
for asked in sys.argv[1:]:
    url, _, wanted = asked.rpartition("=")
    got = status(url)
    while str(got) != wanted and time.monotonic() < until:
        time.sleep(1)
        got = status(url)
    failed |= str(got) != wanted
    print("ok  " if str(got) == wanted else "FAIL", url, got, "" if str(got) == wanted else f"(wanted {wanted})")
sys.exit(failed)
