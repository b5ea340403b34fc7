"""What a proper refusal looks like."""

from __future__ import annotations

import requests


def check_refused(response: requests.Response, *named: str) -> None:
    """Check that it is a 4xx whose JSON says why, naming what a person needs to put it right."""
    came = describe(response)

    assert 400 <= response.status_code < 500, f"expected to be refused with a 4xx, came {came}"
    check_says_why(response, *named)


def check_says_why(response: requests.Response, *named: str) -> None:
    """Check that its JSON says why, naming what a person needs."""
    came = describe(response)

    assert response.headers["content-type"].startswith("application/json"), came
    error = response.json()["error"]
    assert isinstance(error["code"], str) and error["code"], f"expected an error code, came {came}"
    assert isinstance(error["message"], str) and error["message"], f"expected a message, {came}"
    missing = [word for word in named if word not in error["message"]]
    assert [] == missing, f"the message should name {missing}, came {came}"


def describe(response: requests.Response) -> str:
    """Describe the answer and its request, each short enough to read."""
    kind = str(response.headers.get("content-type"))
    sound = f"{len(response.content)} bytes, almost silent?" if kind.startswith("audio") else ""
    request = response.request
    return (
        f"{response.status_code} {kind}: {sound or response.text[:300]}\n"
        f"  request: {request.method} {request.path_url} {(request.body or b'')[:200]!r}"
    )
