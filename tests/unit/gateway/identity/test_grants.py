"""Reading token requests: Basic and form, and every mistake by its name in RFC 6749."""

import base64
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.grants import FORM, Grant, GrantError, read_grant

GRANT = {"grant_type": "client_credentials"}


def basic(client_id: str = "commune-a", secret: str = "s3cret") -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def form(**fields: str) -> bytes:
    return urlencode({**GRANT, **fields}).encode()


def test_reads_basic() -> None:
    assert read_grant(basic(), FORM, form()) == Grant("commune-a", "s3cret")


def test_reads_form() -> None:
    read = read_grant(None, f"{FORM}; charset=utf-8", form(client_id="commune-a", client_secret="s3cret"))
    assert read == Grant("commune-a", "s3cret")


def test_reads_scopes() -> None:
    assert read_grant(basic(), FORM, form(scope="inbox:read dossier:write")).scopes == ("inbox:read", "dossier:write")


def test_empty_scope_counts_as_none() -> None:
    assert read_grant(basic(), FORM, form(scope="")).scopes == ()


@given(st.text(max_size=40).filter(lambda text: text.isprintable()))
def test_any_secret_percent_encoded_survives_basic(secret: str) -> None:
    assert read_grant(basic(secret=quote_plus(secret)), FORM, form()).secret == secret


def test_client_id_may_be_repeated_in_the_form() -> None:
    assert read_grant(basic(), FORM, form(client_id="commune-a")).client_id == "commune-a"


@pytest.mark.parametrize(
    ("authorization", "content_type", "body", "error"),
    [
        (basic(), FORM, b"", "invalid_request"),
        (basic(), None, form(), "invalid_request"),
        (basic(), "application/json", b'{"grant_type": "client_credentials"}', "invalid_request"),
        (basic(), FORM, form() + b"&grant_type=client_credentials", "invalid_request"),
        (basic(), FORM, b"grant_type=\xff", "invalid_request"),
        (basic(), FORM, form(scope="x" * 20_000), "invalid_request"),
        (basic(), FORM, b"&".join(b"a%d=1" % n for n in range(100)), "invalid_request"),
        (basic(), FORM, form(client_secret="s3cret"), "invalid_request"),
        (basic(), FORM, form(client_id="somebody-else"), "invalid_request"),
        (basic(), FORM, b"grant_type=password", "unsupported_grant_type"),
        (None, FORM, form(), "invalid_client"),
        (None, FORM, form(client_id="commune-a"), "invalid_client"),
        (None, FORM, form(client_secret="s3cret"), "invalid_client"),
        ("Bearer abc", FORM, form(), "invalid_client"),
        ("Basic ?", FORM, form(), "invalid_client"),
        ("Basic " + base64.b64encode(b"no colon").decode(), FORM, form(), "invalid_client"),
        ("Basic " + base64.b64encode(b"\xff:x").decode(), FORM, form(), "invalid_client"),
        (basic(client_id="nul\x00"), FORM, form(), "invalid_client"),
        (None, FORM, form(client_id="x" * 200, client_secret="s"), "invalid_client"),
        (basic(), FORM, form(scope='quote"d'), "invalid_scope"),
        (basic(), FORM, form(scope="a  b"), "invalid_scope"),
    ],
)
def test_names_the_mistake(authorization: str | None, content_type: str | None, body: bytes, error: str) -> None:
    with pytest.raises(GrantError) as raised:
        read_grant(authorization, content_type, body)
    assert raised.value.error == error
    assert raised.value.problem.status == (401 if error == "invalid_client" else 400)
    assert ("WWW-Authenticate" in raised.value.headers) == (error == "invalid_client")


def test_never_echoes_the_secret() -> None:
    read = read_grant(basic(), FORM, form())
    assert "s3cret" not in repr(read)
