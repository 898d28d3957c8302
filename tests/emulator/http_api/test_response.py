"""What a caller receives for what the function answered."""

import json

import pytest

from emulator.http_api.response import read_answer


def test_an_explicit_answer_is_taken_at_its_word() -> None:
    answer = {"statusCode": "418", "headers": {"X-A": 1, "B": True}, "body": "tea", "cookies": ["a=1"]}
    response = read_answer(json.dumps(answer).encode())
    assert (response.status, response.body) == (418, b"tea")
    assert response.headers[:3] == (("x-a", "1"), ("b", "true"), ("set-cookie", "a=1"))


def test_an_answer_without_status_is_the_body_of_a_200() -> None:
    response = read_answer(b'{"prediction": 0.5}')
    assert (response.status, response.body) == (200, b'{"prediction":0.5}')
    assert dict(response.headers)["content-type"] == "application/json"


def test_text_without_status_is_sent_as_it_is() -> None:
    assert read_answer(b'"hello"').body == b"hello"


UNREADABLE = [
    b"not json",
    b'{"statusCode": "abc"}',
    b'{"statusCode": 99}',
    b'{"statusCode": 200, "headers": [1]}',
    b'{"statusCode": 200, "body": "%%%", "isBase64Encoded": true}',
]


@pytest.mark.parametrize("payload", UNREADABLE)
def test_what_cannot_be_read_is_an_internal_server_error(payload: bytes) -> None:
    response = read_answer(payload)
    assert (response.status, response.body) == (500, b'{"message":"Internal Server Error"}')
