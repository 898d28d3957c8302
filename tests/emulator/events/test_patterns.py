"""Event patterns match what AWS's documentation says they match, and what is no pattern is refused."""

from typing import Any

import pytest

from emulator.events.patterns import InvalidPatternError, check, matches

EVENT: dict[str, Any] = {
    "source": "aws.ec2",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-1", "arn:aws:other"],
    "detail": {
        "state": "Running",
        "c-count": 5,
        "d-count": 3,
        "x-limit": 301.8,
        "ok": True,
        "nothing": None,
        "empty": "",
        "source-ip": "10.0.0.7",
        "path": "s3://bucket/2013/a*b.csv",
        "tags": ["red", "blue"],
        "parts": [{"name": "a", "size": 1}, {"name": "b", "size": 20}],
        "deep": {"er": {"value": "x"}},
    },
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.ec2"]}, True),
        ({"source": ["aws.s3", "aws.ec2"]}, True),
        ({"source": ["aws"]}, False),
        ({"source": ["aws.ec2"], "detail": {"state": ["Stopped"]}}, False),
        ({"resources": ["arn:aws:other"]}, True),
        ({"detail": {"c-count": [5]}}, True),
        ({"detail": {"c-count": [5.0]}}, True),
        ({"detail": {"c-count": ["5"]}}, False),
        ({"detail": {"ok": [1]}}, False),
        ({"detail": {"ok": [True]}}, True),
        ({"detail": {"nothing": [None]}}, True),
        ({"detail": {"state": [None]}}, False),
        ({"detail": {"empty": [""]}}, True),
        ({"detail": {"state": [{"prefix": "Run"}]}}, True),
        ({"detail": {"state": [{"prefix": "run"}]}}, False),
        ({"detail": {"state": [{"prefix": {"equals-ignore-case": "run"}}]}}, True),
        ({"detail": {"state": [{"suffix": "ning"}]}}, True),
        ({"detail": {"state": [{"suffix": {"equals-ignore-case": "NING"}}]}}, True),
        ({"detail": {"c-count": [{"prefix": "5"}]}}, False),
        ({"detail": {"state": [{"equals-ignore-case": "RUNNING"}]}}, True),
        ({"detail": {"state": [{"anything-but": "Running"}]}}, False),
        ({"detail": {"state": [{"anything-but": ["Stopped", "Overloaded"]}]}}, True),
        ({"detail": {"x-limit": [{"anything-but": [100, 200]}]}}, True),
        ({"detail": {"c-count": [{"anything-but": 5}]}}, False),
        ({"detail": {"missing": [{"anything-but": "x"}]}}, False),
        ({"detail": {"tags": [{"anything-but": ["red", "blue"]}]}}, False),
        ({"detail": {"tags": [{"anything-but": ["red"]}]}}, True),
        ({"detail": {"state": [{"anything-but": {"prefix": "Run"}}]}}, False),
        ({"detail": {"state": [{"anything-but": {"prefix": ["Stop", "Init"]}}]}}, True),
        ({"detail": {"state": [{"anything-but": {"suffix": "ing"}}]}}, False),
        ({"detail": {"state": [{"anything-but": {"equals-ignore-case": ["running", "x"]}}]}}, False),
        ({"detail": {"state": [{"anything-but": {"wildcard": "*unn*"}}]}}, False),
        ({"detail": {"state": [{"anything-but": {"wildcard": "*/lib/*"}}]}}, True),
        ({"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}]}}, True),
        ({"detail": {"c-count": [{"numeric": [">", 0, "<", 5]}]}}, False),
        ({"detail": {"d-count": [{"numeric": ["<", 10]}]}}, True),
        ({"detail": {"x-limit": [{"numeric": ["=", 3.018e2]}]}}, True),
        ({"detail": {"state": [{"numeric": [">", 0]}]}}, False),
        ({"detail": {"ok": [{"numeric": [">", 0]}]}}, False),
        ({"detail": {"source-ip": [{"cidr": "10.0.0.0/24"}]}}, True),
        ({"detail": {"source-ip": [{"cidr": "10.0.1.0/24"}]}}, False),
        ({"detail": {"state": [{"cidr": "10.0.0.0/24"}]}}, False),
        ({"detail": {"state": [{"exists": True}]}}, True),
        ({"detail": {"state": [{"exists": False}]}}, False),
        ({"detail": {"missing": [{"exists": False}]}}, True),
        ({"detail": {"missing": [{"exists": True}]}}, False),
        ({"detail": {"deep": [{"exists": True}]}}, False),  # leaves alone exist
        ({"detail": {"deep": {"er": {"value": [{"exists": True}]}}}}, True),
        ({"absent": {"deep": [{"exists": False}]}}, True),
        ({"detail": {"path": [{"wildcard": "s3://*/2013/*.csv"}]}}, True),
        ({"detail": {"path": [{"wildcard": "s3://*/2014/*"}]}}, False),
        ({"detail": {"path": [{"wildcard": "*a\\*b.csv"}]}}, True),
        ({"detail": {"state": [{"wildcard": "*n\\**"}]}}, False),
        ({"detail": {"tags": ["blue", "green"]}}, True),
        ({"detail": {"tags": [{"prefix": "gr"}]}}, False),
        ({"detail": {"parts": {"name": ["b"], "size": [{"numeric": [">", 10]}]}}}, True),
        ({"detail": {"parts": {"name": ["a"], "size": [{"numeric": [">", 10]}]}}}, False),
        (
            {
                "source": ["aws.ec2"],
                "detail": {
                    "$or": [
                        {"c-count": [{"numeric": [">", 100]}]},
                        {"d-count": [{"numeric": ["<", 10]}]},
                        {"x-limit": [{"numeric": ["=", 1]}]},
                    ]
                },
            },
            True,
        ),
        ({"detail": {"$or": [{"c-count": [1]}, {"d-count": [1], "state": ["Running"]}]}}, False),
        ({"$or": [{"source": ["x"]}, {"detail": {"state": ["Running"]}}]}, True),
    ],
)
def test_pattern_matches_what_aws_documents(pattern: dict[str, Any], *, expected: bool) -> None:
    check(pattern)
    assert matches(pattern, EVENT) is expected


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ([], "not an object"),
        ({"source": "aws.ec2"}, '"source" must be an object or an array'),
        ({"source": []}, "Empty arrays"),
        ({"source": [["a"]]}, "Match value must be String"),
        ({"source": [{"like": "a"}]}, "Unrecognized match type like"),
        ({"source": [{"prefix": "a", "suffix": "b"}]}, "Only one key"),
        ({"source": [{"prefix": 5}]}, "must be a string at source"),
        ({"a": {"b": [{"exists": "yes"}]}}, "either true or false at a.b"),
        ({"a": [{"numeric": [">"]}]}, "operator and a number"),
        ({"a": [{"numeric": ["~", 5]}]}, "Unrecognized numeric range operator: ~"),
        ({"a": [{"numeric": [">", 6e9]}]}, "between -5.0E9 and 5.0E9"),
        ({"a": [{"cidr": "10.0.0"}]}, "Malformed CIDR"),
        ({"a": [{"wildcard": "a**b"}]}, "Consecutive wildcard"),
        ({"a": [{"anything-but": []}]}, "array or single value"),
        ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, "Unsupported anything-but pattern numeric"),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_reason(pattern: Any, complaint: str) -> None:
    with pytest.raises(InvalidPatternError, match=complaint):
        check(pattern)
