"""Identifiers of the field: what is taken, what is compared, what is issued."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts import identifiers
from contracts.identifiers import DossierCode, Identifier, OrganId, ProcedureCode, Sha256, TransferId

ORGANS = [
    "000.00.00.H28", "000.03.21.H28", "002.00.20.H13", "H57", "G09.20", "H28.01.02",
    "28.22.H17", "01.02.G22", "14.00.W00", "001.00.20.TT2", "H37.DN.001", "vxp.saas.03", "0" * 35,
]  # fmt: skip
NO_ORGANS = ["", ".H28", "H28 ", " H28", "H28\n", "000,00", "H28/01", "H28;1", "HÀ.NỘI", "H٢٨", "0" * 36, "H28\x00"]


def fits(annotation: Any, text: str) -> bool:
    try:
        TypeAdapter(annotation).validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("code", ORGANS)
def test_takes_organ_codes_seen_in_practice(code: str) -> None:
    assert fits(OrganId, code)


@pytest.mark.parametrize("code", NO_ORGANS)
def test_refuses_what_would_break_a_header_or_a_stamp(code: str) -> None:
    assert not fits(OrganId, code)


@pytest.mark.parametrize("written", ["h28.21.03", " H28.21.03", "H28.21.03\t"])
def test_organ_codes_are_compared_without_case_and_blanks(written: str) -> None:
    assert identifiers.organ_key(written) == "H28.21.03"


@pytest.mark.parametrize(
    "code",
    ["000.00.53.H48-220921-0099", "G09.20-20260609-0092637", "H28.01.02-240603-0001", "H28-20240603-0000001"],
)
def test_takes_both_forms_of_dossier_codes(code: str) -> None:
    assert identifiers.is_dossier_code(code)
    assert fits(DossierCode, code)


@pytest.mark.parametrize(
    "code",
    [
        "", "H28-20240603", "H28-20240603-", "H28-20240603-123", "H28-20240603-12345678", "H28-2024063-0001",
        ".H28-240603-0001", "H28.-240603-0001", "H28..01-240603-0001", "H28-240603-0001\n", "H28-٢٤٠٦٠٣-0001",
        "H" * 60 + "-240603-0001",
    ],
)  # fmt: skip
def test_refuses_other_dossier_codes(code: str) -> None:
    assert not identifiers.is_dossier_code(code)
    assert not fits(DossierCode, code)


@given(st.text(alphabet="0123456789H.-\n٣", max_size=30) | st.from_regex(identifiers.DOSSIER_PATTERN))
def test_both_checks_of_a_dossier_code_agree(code: str) -> None:
    assert identifiers.is_dossier_code(code) == fits(DossierCode, code)


@pytest.mark.parametrize(("code", "taken"), [
    ("1.005129", True), ("2.000884.000.00.00.H55", True), ("3.000181.000.00.00.H22", True),
    ("0.005129", False), ("1.05129", False), ("1.005129.H55", False), ("1.٠٠٥129", False), ("1.005129\n", False),
])  # fmt: skip
def test_procedure_codes_national_and_local(code: str, taken: bool) -> None:
    assert fits(ProcedureCode, code) is taken


def test_issued_code_is_a_dossier_code_of_its_organ() -> None:
    code = identifiers.issue_dossier_code("000.03.21.H28", date(2024, 6, 3), 12)
    assert code == "000.03.21.H28-20240603-0000012"
    assert identifiers.is_dossier_code(code)
    assert identifiers.dossier_organ(code) == "000.03.21.H28"


def test_document_key_is_the_same_at_every_program() -> None:
    key = identifiers.document_key("000.00.01.H28", "000.00.01.H28,2024/06/03,1245/SNV-CCHC")
    assert key == "4184260e-54c1-5443-8218-2e22adf4cd78"
    assert UUID(key).version == 5
    assert fits(TransferId, key)


def test_document_key_tells_senders_and_ids_apart() -> None:
    keys = {
        identifiers.document_key(sender, document_id)
        for sender, document_id in [
            ("H28", "a"),
            ("H28", "A"),
            ("H29", "a"),
            ("H28", "a "),
            ("H28", "\u00e9"),
        ]
    }
    assert len(keys) == 5


def test_document_key_is_the_same_in_both_normal_forms() -> None:
    composed, decomposed = (
        identifiers.document_key("H28", f"1/Q\u0110-{letter}") for letter in ("\u1ea5", "a\u0302\u0301")
    )
    assert composed == decomposed


@pytest.mark.parametrize("text", ["", "a,b", "a;b", "a b", "ấ", "-a", "a" * 65, "a\n"])
def test_identifier_is_safe_in_a_header(text: str) -> None:
    assert not fits(Identifier, text)


@pytest.mark.parametrize("text", ["A" * 64, "a" * 63, "a" * 65, "g" * 64, "a" * 63 + "\n"])
def test_digest_is_64_lower_case_hex_digits(text: str) -> None:
    assert not fits(Sha256, text)
    assert fits(Sha256, "a" * 64)
