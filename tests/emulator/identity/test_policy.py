"""Policy documents: what they allow, what they deny, and what cannot be judged."""

import json
import timeit
from typing import Any

import pytest

from emulator.identity.conditions import KNOWN_KEYS, Context, hold
from emulator.identity.policy import Need, Verdict, compile_policy, decide

BUCKET = "arn:aws:s3:::files"
READ = Need("s3:GetObject", f"{BUCKET}/a/b.csv")


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "s3:GetObject", "Resource": f"{BUCKET}/*", **elements}


def verdict(*statements: dict[str, Any], need: Need = READ, context: Context | None = None) -> Verdict:
    return decide(compile_policy(json.dumps({"Statement": list(statements)})), need, context)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], Verdict.NOT_ALLOWED),
        ([statement()], Verdict.ALLOWED),
        ([statement(Action="S3:getobject")], Verdict.ALLOWED),
        ([statement(Action=["s3:PutObject", "s3:Get*"])], Verdict.ALLOWED),
        ([statement(Action="*")], Verdict.ALLOWED),
        ([statement(Action="s3:GetObj")], Verdict.NOT_ALLOWED),
        ([statement(Action="s3:GetObjec?")], Verdict.ALLOWED),
        ([statement(Resource=BUCKET)], Verdict.NOT_ALLOWED),
        ([statement(Resource=f"{BUCKET}/A/*")], Verdict.NOT_ALLOWED),
        ([statement(Resource=f"{BUCKET}/?/b.csv")], Verdict.ALLOWED),
        ([statement(Resource=f"{BUCKET}/a/bxcsv")], Verdict.NOT_ALLOWED),
        ([statement(Resource=["arn:aws:s3:::x", "*"])], Verdict.ALLOWED),
        ([statement(Resource=BUCKET + "/${aws:username}/*")], Verdict.NOT_ALLOWED),
        ([statement(), statement("Deny")], Verdict.DENIED),
        ([statement("Deny"), statement()], Verdict.DENIED),
        ([statement(), statement("Deny", Resource=f"{BUCKET}/c/*")], Verdict.ALLOWED),
        ([statement(), statement("Deny", Resource=BUCKET + "/${aws:username}/*")], Verdict.DENIED),
    ],
)
def test_statements_match_by_action_and_resource(given: list[dict[str, Any]], expected: Verdict) -> None:
    assert verdict(*given) is expected


def test_not_action_and_not_resource_speak_of_all_others() -> None:
    all_but_puts = {"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"}
    all_but_secrets = {"Effect": "Deny", "Action": "*", "NotResource": f"{BUCKET}/a/*"}
    put = Need("s3:PutObject", READ.resource)
    assert verdict(all_but_puts) is Verdict.ALLOWED
    assert verdict(all_but_puts, need=put) is Verdict.NOT_ALLOWED
    assert verdict(all_but_puts, all_but_secrets) is Verdict.ALLOWED
    assert verdict(all_but_puts, all_but_secrets, need=Need("s3:GetObject", f"{BUCKET}/c")) is Verdict.DENIED


def test_a_condition_that_cannot_be_judged_counts_against_the_caller() -> None:
    unknown = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    assert verdict(statement(Condition=unknown)) is Verdict.NOT_ALLOWED
    assert verdict(statement(), statement("Deny", Condition=unknown)) is Verdict.DENIED
    assert verdict(statement(Condition={"BinaryEquals": {"s3:prefix": "YQ=="}})) is Verdict.NOT_ALLOWED


def test_a_condition_that_fails_decides_whatever_another_one_says() -> None:
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}, "Bool": {"aws:SecureTransport": "false"}}
    denial = statement("Deny", Condition=condition)
    assert verdict(statement(), denial, context={"aws:securetransport": "true"}) is Verdict.ALLOWED


def test_without_a_mapping_a_deny_of_any_resource_applies_and_only_an_allow_of_all_does() -> None:
    unmapped = Need("s3:GetObject", "*", mapped=False)
    assert verdict(statement(), need=unmapped) is Verdict.NOT_ALLOWED
    assert verdict(statement(Resource="*"), need=unmapped) is Verdict.ALLOWED
    assert verdict(statement(Resource="*"), statement("Deny"), need=unmapped) is Verdict.DENIED


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "expected"),
    [
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a", "A", False),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringNotEquals", "a", None, True),
        ("StringLike", "a/*", "a/b", True),
        ("StringLike", "a/*", None, False),
        ("StringLikeIfExists", "a/*", None, True),
        ("StringLikeIfExists", "a/*", "b", False),
        ("StringNotLike", "a/*", "a/b", False),
        ("ArnLike", "arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x", True),
        ("Bool", "true", "true", True),
        ("Bool", False, "true", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", 10, "10", False),
        ("NumericEquals", "ten", "10", None),
        ("DateGreaterThan", "2013-01-01T00:00:00Z", "2013-06-01T00:00:00Z", True),
        ("DateLessThan", "1357000000", "2013-06-01T00:00:00Z", False),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("NotIpAddress", ["10.0.0.0/8"], "10.1.2.3", False),
        ("Null", "true", None, True),
        ("Null", "false", None, False),
        ("Null", True, "x", False),
        ("StringEquals", "${aws:username}", "x", None),
        ("ForAllValues:StringEquals", "x", "x", None),
    ],
)
def test_operators_compare_as_in_aws(
    operator: str,
    wanted: Any,
    value: str | None,
    expected: bool | None,  # noqa: FBT001 - a column of the table
) -> None:
    key = min(KNOWN_KEYS)
    assert hold({operator: {key.upper(): wanted}}, {} if value is None else {key: value}) is expected


def test_a_decision_among_many_statements_takes_far_less_than_a_tenth_of_a_millisecond() -> None:
    policy = compile_policy(
        json.dumps({"Statement": [statement(Resource=f"{BUCKET}/{n}/*") for n in range(20)] + [statement()]})
    )
    seconds = min(timeit.repeat(lambda: decide(policy, READ, {}), number=200, repeat=5)) / 200
    assert seconds < 1e-4
