"""NATS JWTs and the server's configuration: pure parts, no socket."""

import base64
import hashlib
import json
from pathlib import Path

import nkeys

from munshi.contracts.ids import CellName
from munshi.embedded.nats import NatsSettings, render_config
from munshi.provision.key_ring import CellKeys, KeyRing, load_key_ring, save_key_ring
from munshi.provision.nats_accounts import Operator, cell_account_jwt, cell_users
from munshi.provision.nats_jwt import (
    AccountLimits,
    Identity,
    Permissions,
    account_jwt,
    claims,
    creds,
    deletion_jwt,
    new_account,
    new_operator,
    new_user,
    operator_jwt,
    user_jwt,
)


def _verify(jwt: str, issuer: Identity) -> None:
    head, body, signature = jwt.split(".")
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    key = nkeys.from_seed(bytearray(issuer.seed.encode()))
    assert key.verify(f"{head}.{body}".encode(), raw)


def test_key_pairs_carry_their_role_in_the_first_letter() -> None:
    for made, letter in ((new_operator(), "O"), (new_account(), "A"), (new_user(), "U")):
        assert made.public[0] == letter
        assert made.seed[:2] == f"S{letter}"
        assert Identity.from_seed(made.seed) == made
        assert made.seed not in repr(made)


def test_each_jwt_is_signed_by_its_issuer() -> None:
    operator, account, user = new_operator(), new_account(), new_user()
    for jwt, issuer, subject in (
        (operator_jwt(operator, "munshi", account.public), operator, operator.public),
        (account_jwt(operator, account.public, "pool", AccountLimits()), operator, account.public),
        (user_jwt(account, user.public, "services"), account, user.public),
        (deletion_jwt(operator, [account.public]), operator, operator.public),
    ):
        _verify(jwt, issuer)
        assert claims(jwt)["iss"] == issuer.public
        assert claims(jwt)["sub"] == subject


def test_the_id_of_a_jwt_is_the_digest_of_its_claims() -> None:
    jwt = user_jwt(new_account(), new_user().public, "services")
    body = claims(jwt)
    named = body.pop("jti")
    digest = hashlib.new("sha512_256", json.dumps(body, separators=(",", ":")).encode()).digest()
    assert base64.b32decode(named + "=" * (-len(named) % 8)) == digest


def test_an_account_says_its_limits_and_its_revocations() -> None:
    limits = AccountLimits(disk_bytes=7, streams=3, consumers=5, connections=9)
    nats = claims(account_jwt(new_operator(), new_account().public, "pool", limits, {"UABC": 12}))["nats"]
    assert (nats["limits"]["disk_storage"], nats["limits"]["mem_storage"]) == (7, 0)
    assert (nats["limits"]["streams"], nats["limits"]["consumer"], nats["limits"]["conn"]) == (3, 5, 9)
    assert nats["revocations"] == {"UABC": 12}


def test_the_system_account_has_no_streams() -> None:
    nats = claims(account_jwt(new_operator(), new_account().public, "SYS", None))["nats"]
    assert (nats["limits"]["streams"], nats["limits"]["disk_storage"]) == (0, 0)


def test_a_user_is_denied_what_its_permissions_say() -> None:
    account = new_account()
    nats = claims(user_jwt(account, new_user().public, "x", Permissions(deny_publish=("a.>",))))["nats"]
    assert nats["pub"] == {"deny": ["a.>"]}
    assert nats["sub"] == {}


def test_services_of_a_cell_may_not_write_its_registry_and_its_administrator_may() -> None:
    keys = CellKeys()
    users = cell_users(CellName("pool"), keys)
    denied = claims(users.services.splitlines()[1])["nats"]["pub"]["deny"]
    assert "$KV.munshi-pool-tenants.>" in denied
    assert claims(users.admin.splitlines()[1])["nats"]["pub"] == {}


def test_creds_hold_the_jwt_and_the_seed_between_their_lines() -> None:
    text = creds("JWT", "SEED").splitlines()
    assert text[1] == "JWT"
    assert text[text.index("-----BEGIN USER NKEY SEED-----") + 1] == "SEED"


def test_two_cells_have_nothing_in_common() -> None:
    ring = KeyRing()
    one, other = ring.cell(CellName("pool")), ring.cell(CellName("shops_a"))
    assert not set(one.model_dump().values()) & set(other.model_dump().values())
    operator = Operator.of(ring)
    jwts = [cell_account_jwt(operator, CellName("c"), keys, AccountLimits()) for keys in (one, other)]
    assert len({claims(jwt)["sub"] for jwt in jwts}) == 2


def test_the_key_ring_comes_back_from_its_file_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "ring.json"
    ring = load_key_ring(path)
    ring.cell(CellName("pool"))
    save_key_ring(path, ring)
    assert load_key_ring(path) == ring
    assert path.stat().st_mode & 0o777 == 0o600
    assert ring.operator_seed not in repr(ring)


def test_the_configuration_has_ports_resolver_and_operator() -> None:
    operator = Operator.of(KeyRing())
    text = render_config(
        NatsSettings(
            port=4001,
            monitoring_port=4002,
            folder=Path('/data/with "quotes"/nats'),
            operator_jwt=operator.jwt(),
            system_account=operator.system_account.public,
            system_account_jwt=operator.system_account_jwt(),
        )
    )
    assert "port: 4001" in text
    assert 'http: "127.0.0.1:4002"' in text
    assert 'host: "127.0.0.1"' in text
    assert r'store_dir: "/data/with \"quotes\"/nats/jetstream"' in text
    assert f"operator: {operator.jwt()[:20]}" in text
    assert 'type: "full"' in text
