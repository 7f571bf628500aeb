"""Whatever is posted, there is no 5xx, and no way in without a signature."""

import asyncio
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingress.meta import NUMBER, PATH, Meta, change, dead_letters, events, message, signature, status, webhook
from rig.cells import Cells
from rig.waiting import PATIENCE_SECONDS

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=15,
)
lists = st.lists(json_values | st.just(message("wamid.F")) | st.just(status("wamid.F")), max_size=4)
changes = st.builds(
    lambda given, field, number: change(number, **given) | {"field": field},
    st.dictionaries(
        st.sampled_from(["messages", "statuses", "errors", "contacts", "new"]), lists | json_values
    ),
    st.sampled_from(["messages", "user_preferences", "calls", "account_update"]) | json_values,
    st.just(NUMBER) | st.sampled_from(["999", ""]) | st.none(),
)
payloads = (
    st.builds(webhook, changes, changes) | json_values | st.builds(lambda it: {"object": it}, json_values)
)
bodies = st.builds(lambda value: json.dumps(value).encode(), payloads) | st.binary(max_size=200)
header_values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80)


async def test_signed_bodies_of_any_kind_are_kept(meta: Meta) -> None:
    loop = asyncio.get_running_loop()

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(body=bodies)
    def each(body: bytes) -> None:
        posted = asyncio.run_coroutine_threadsafe(meta.post(body), loop)
        assert posted.result(PATIENCE_SECONDS) == 200

    await asyncio.to_thread(each)
    assert (await meta.get("/healthz"))[0] == 200


async def test_unsigned_bodies_and_odd_requests_open_nothing(meta: Meta, cells: Cells) -> None:
    loop = asyncio.get_running_loop()
    good = json.dumps(webhook(change(messages=[message("wamid.BYPASS")]))).encode()

    async def send(method: str, path: str, headers: dict[str, str], body: bytes) -> int:
        async with meta.session.request(method, meta.url + path, data=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        method=st.sampled_from(["POST", "POST", "GET", "PUT", "HEAD"]),
        suffix=st.sampled_from(
            ["", "", "?hub.mode=subscribe", "/", "//", "/..", "%00", "%2f", "/../shops_x"]
        ),
        headers=st.dictionaries(
            st.sampled_from(
                ["X-Hub-Signature-256", "X-Hub-Signature", "Content-Type", "traceparent", "X-Forwarded-For"]
            ),
            header_values
            | st.just("sha256=" + "0" * 64)
            | st.just(signature(good, "wrong")["X-Hub-Signature-256"])
            | st.just(signature(b"other")["X-Hub-Signature-256"]),
        ),
        body=st.just(good) | bodies,
    )
    def each(method: str, suffix: str, headers: dict[str, str], body: bytes) -> None:
        sent = asyncio.run_coroutine_threadsafe(send(method, PATH + suffix, headers, body), loop)
        assert sent.result(PATIENCE_SECONDS) in {400, 401, 403, 404, 405}

    await asyncio.to_thread(each)
    assert await events(cells) == []
    assert await dead_letters(cells) == []


async def test_broken_http_ends_no_process(meta: Meta) -> None:
    host, port = meta.url.removeprefix("http://").split(":")
    for raw in (
        b"\x00\x01\x02\r\n\r\n",
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST "
        + PATH.encode()
        + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET " + b"/x" * 50_000 + b" HTTP/1.1\r\n\r\n",
        b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nhung up",
    ):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(raw)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    assert await meta.post(webhook(change(messages=[message("wamid.1")]))) == 200
    assert (await meta.get("/healthz"))[0] == 200
