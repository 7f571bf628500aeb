"""The error table: every code of Meta's that is known, and the way out for those that are not."""

import pytest

from munshi.contracts.cloud_api.errors import VERDICTS, Action, ErrorClass, classify

TABLE = [
    ("transient", "retry", [1, 2, 131000, 131016, 133004, 131057, 130429, 4, 80007]),
    ("pair_limit", "hold_pair", [131056]),
    (
        "account",
        "pause_number",
        [131048, 131064, 368, 130497, 131031, 131042, 131045, 133010, 131037],
    ),
    ("credentials", "pause_sending", [0, 3, 10, 190, 200, 230, 299, 131005]),
    ("window_closed", "use_template", [131047]),
    ("recipient", "give_up", [131026, 131049, 131050, 130403, 130472, 131021, 131062, 131063]),
    ("media", "tell_person", [131051, 131052, 131053]),
    (
        "template",
        "alert",
        [132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 132068, 132069],
    ),
    ("bad_request", "dead_letter", [33, 100, 131008, 131009, 135000]),
]


@pytest.mark.parametrize(
    ("family", "action", "code"),
    [(family, action, code) for family, action, codes in TABLE for code in codes],
)
def test_known_code(family: str, action: str, code: int) -> None:
    verdict = classify(code, http_status=400)
    assert (verdict.error_class, verdict.action) == (ErrorClass(family), Action(action))


def test_the_table_holds_no_other_code() -> None:
    told = {code for _, _, codes in TABLE for code in codes} | set(range(200, 300))
    assert set(VERDICTS) == told


def test_what_is_special() -> None:
    assert classify(131050).opts_out
    assert classify(131049).wait_seconds == 86_400
    assert not classify(131026).opts_out


@pytest.mark.parametrize(
    ("status", "family"),
    [
        (401, "credentials"),
        (403, "credentials"),
        (408, "transient"),
        (429, "transient"),
        (500, "transient"),
        (503, "transient"),
        (400, "bad_request"),
        (404, "bad_request"),
        (200, "unknown"),
        (None, "unknown"),
    ],
)
@pytest.mark.parametrize("code", [None, 999_999])
def test_unknown_code_goes_by_status(status: int | None, family: str, code: int | None) -> None:
    assert classify(code, status).error_class == family
