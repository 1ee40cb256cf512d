"""What callers may post, and what becomes of it in facts."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from contracts import registry
from contracts.statuses import DocumentStatus
from services.office.documents import forms, rules
from services.office.documents.api import EXAMPLE, STATUSES
from services.office.documents.rules import NewDocument, Step


def refused(fields: dict[str, Any]) -> set[tuple[Any, ...]]:
    with pytest.raises(ValidationError) as caught:
        forms.DocumentForm.model_validate_json(orjson.dumps(EXAMPLE | fields))
    return {error["loc"] for error in caught.value.errors()}


def test_the_example_becomes_a_fact() -> None:
    form = forms.DocumentForm.model_validate(EXAMPLE)
    value, digest = rules.issued_payload(NewDocument(fields=forms.given(form)), "id", "H28.01")
    assert registry.validate("document.issued/v1", value) is None
    assert orjson.loads(value)["document"] == EXAMPLE | {
        "document_id": "id",
        "sender": "H28.01",
        "response_for": [],
        "attachments": [],
    }
    assert digest == hashlib.sha256(value).hexdigest()


def test_the_examples_of_statuses_are_statuses() -> None:
    for example in STATUSES.values():
        form = forms.StatusForm.model_validate(example["value"])
        assert rules.status_code(form.code, "/code") in DocumentStatus


def test_posts_are_compared_by_what_they_say() -> None:
    one = NewDocument(fields={"number": "1", "to": ["A"]})
    other = NewDocument(fields={"to": ["A"], "number": "1"})
    assert rules.issued_payload(one, "id", "H28") == rules.issued_payload(other, "id", "H28")
    assert rules.issued_payload(one, "id", "H28")[1] != rules.issued_payload(one, "di", "H28")[1]


def test_files_are_compared_by_their_bytes() -> None:
    original = {"sha256": "a" * 64, "name": "x", "media_type": "application/edxml+xml", "size": 1}
    new = NewDocument(fields={"to": ["A"], "sender": "h28"}, original=original)
    value, digest = rules.issued_payload(new, "id", "H28")
    assert (orjson.loads(value)["document"]["sender"], digest) == ("h28", "a" * 64)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"to": []}, ("to",)),
        ({"to": ["H28", "Sở Y tế"]}, ("to", 1)),
        ({"subject": ""}, ("subject",)),
        ({"subject": "a\x01b"}, ("subject",)),
        ({"subject": "a\x00b"}, ("subject",)),
        ({"signer": {"name": "\x0b"}}, ("signer", "name")),
        ({"document_id": " x"}, ("document_id",)),
        ({"document_id": ""}, ("document_id",)),
        ({"priority": 5}, ("priority",)),
        ({"type": "18"}, ("type",)),
        ({"promulgated_on": "2024/06/03"}, ("promulgated_on",)),
        ({"promulgated_on": "2024-02-30"}, ("promulgated_on",)),
        ({"secret": True}, ("secret",)),
        ({"attachments": [{"sha256": "x", "name": "a", "media_type": "a/b"}]}, ("attachments", 0, "sha256")),
        ({"attachments": [{"sha256": "0" * 64, "name": "a", "media_type": "a"}]}, ("attachments", 0, "media_type")),
        ({"response_for": [{"code": "1"}]}, ("response_for", 0, "organ")),
    ],
)
def test_refuses_what_does_not_fit_and_names_the_place(fields: dict[str, Any], place: tuple[Any, ...]) -> None:
    assert refused(fields) == {place}


def test_names_everything_that_is_missing() -> None:
    with pytest.raises(ValidationError) as caught:
        forms.DocumentForm.model_validate({})
    missing = {error["loc"][0] for error in caught.value.errors()}
    assert missing == {"to", "number", "notation", "promulgated_on", "type", "type_name", "subject"}


def test_a_whole_number_may_be_written_with_a_point() -> None:
    form = forms.DocumentForm.model_validate_json(orjson.dumps(EXAMPLE | {"type": 18.0}))
    assert form.type == 18


def test_the_schema_of_the_body_stands_alone() -> None:
    schema = orjson.dumps(forms.inlined(forms.DocumentForm))
    assert b"$ref" not in schema
    assert b"$defs" not in schema
    assert b'"competence"' in schema


def test_a_status_becomes_a_fact() -> None:
    step = Step(
        transfer="t", organ="H28", code=DocumentStatus.ACCEPTED, at=datetime(2024, 6, 3, tzinfo=UTC), description="x"
    )
    reference = {"id": "0f8fad5b-d9cb-569f-a165-70867728950e", "document_id": "d", "sender": "H28.01"}
    value = rules.status_payload(step, None, reference)
    assert registry.validate("document.status-changed/v1", value) is None
    assert orjson.loads(value) == {
        "document": reference,
        "code": "03",
        "description": "x",
        "at": "2024-06-03T00:00:00.000Z",
    }


def test_digests_name_files_and_the_original_once() -> None:
    files = [{"sha256": "a"}, {"sha256": "b"}, {"sha256": "a"}]
    assert rules.digests({"document": {"attachments": files}, "original": {"sha256": "c"}}) == ("a", "b", "c")
    assert rules.digests({"document": {}, "original": None}) == ()


def test_codes_are_compared_in_one_spelling() -> None:
    composed, decomposed = "TT\u0110T-Bé", "TT\u0110T-Be\u0301"
    assert rules.code_of({"number": "7816", "notation": composed}) == rules.plain(f" 7816/{decomposed}")
    assert rules.code_of({"number": "", "notation": "X"}) == "X"
