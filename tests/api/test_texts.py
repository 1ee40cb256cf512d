"""Vietnamese in both normal forms, names that come twice, and bodies that are no JSON: edXML files, forms, sheets."""

from __future__ import annotations

import base64
import unicodedata
from random import Random
from string import ascii_letters, digits
from typing import Any
from uuid import uuid4

import orjson
import pytest

from tests.api.asking import Answer, Asked
from tests.api.conftest import Lines
from tests.api.document import document as told_of
from tests.api.gateway import SECRET, GatewayHouse
from tests.api.houses import Desk
from tests.api.judging import MARKER, complaint
from tests.api.office import NEIGHBOUR, OfficeHouse
from tests.integration.office.stage import dossier
from tests.integration.office_documents.papers import document, file

NAME = "Nguyễn Thị Mẫu ở phường Đồng Tiến"
FORMS = {"NFC": unicodedata.normalize("NFC", NAME), "NFD": unicodedata.normalize("NFD", NAME)}
EDXML = "application/edxml+xml"


async def post(desk: Desk, path: str, body: Any, content_type: str = "application/json", **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    given: dict[str, str | bytes] = {"authorization": desk.authorization(), "content-type": content_type}
    return await desk.ask(Asked("POST", path, given, raw).with_headers(**headers))


async def get(desk: Desk, path: str) -> Answer:
    return await desk.ask(Asked("GET", path, {"authorization": desk.authorization()}))


@pytest.mark.parametrize("form", FORMS)
async def test_text_is_stored_as_sent(office: OfficeHouse, form: str) -> None:
    desk, text = Desk(office), FORMS[form]
    body = dossier(summary=text, applicant={"kind": "citizen", "name": text, "address": text})
    posted = (await post(desk, "/v1/dossiers", body)).json()
    shown = (await get(desk, f"/v1/dossiers/{posted['code']}")).json()
    assert (shown["summary"], shown["applicant"]["name"], shown["applicant"]["address"]) == (text, text, text)
    sent = (await post(desk, "/v1/documents", document(to=[NEIGHBOUR], subject=text))).json()
    assert (await get(desk, f"/v1/documents/{sent['id']}")).json()["subject"] == text


async def test_document_ids_are_compared_after_normalisation(office: OfficeHouse) -> None:
    desk = Desk(office)
    number = f"{uuid4().hex[:6]}/QĐ-UBNDĐồngTiến"
    ids = {form: f"000.01.21.H28,2024/06/03,{unicodedata.normalize(form, number)}" for form in FORMS}
    first = await post(desk, "/v1/documents", document(to=[NEIGHBOUR], document_id=ids["NFC"]))
    again = await post(desk, "/v1/documents", document(to=[NEIGHBOUR], document_id=ids["NFD"]))
    assert first.status == 202
    assert again.code == "document.exists" or again.json()["id"] == first.json()["id"]
    for each in ids.values():
        found = await desk.ask(
            Asked("GET", f"/v1/documents?document_id={_quoted(each)}", {"authorization": desk.authorization()})
        )
        assert [item["id"] for item in found.json()["items"]] == [first.json()["id"]]


async def test_organs_are_found_in_both_forms(gateway: GatewayHouse) -> None:
    desk = Desk(gateway)
    found = [
        (await get(desk, f"/v1/organs?q={_quoted(unicodedata.normalize(form, 'Thịnh Lang'))}")).json()["items"]
        for form in FORMS
    ]
    assert found[0] == found[1]
    assert len(found[0]) == 1


async def test_of_names_that_come_twice_the_last_wins(office: OfficeHouse) -> None:
    desk = Desk(office)
    body = orjson.dumps(dossier(summary="the first"))[:-1] + b', "summary": "the last"}'
    posted = await post(desk, "/v1/dossiers", body)
    assert posted.status == 201
    assert (await get(desk, f"/v1/dossiers/{posted.json()['code']}")).json()["summary"] == "the last"
    # the wrong one first, the right one last; and the other way round
    wrong = b'{"procedure": 12, ' + orjson.dumps(dossier())[1:]
    assert (await post(desk, "/v1/dossiers", wrong)).status == 201
    assert (await post(desk, "/v1/dossiers", orjson.dumps(dossier())[:-1] + b', "procedure": 12}')).status == 422


async def test_a_key_is_for_the_bytes_not_for_their_meaning(office: OfficeHouse) -> None:
    desk, key = Desk(office), uuid4().hex
    body = orjson.dumps(dossier())
    first = await post(desk, "/v1/dossiers", body, idempotency_key=key)
    again = await post(desk, "/v1/dossiers", body, idempotency_key=key)
    other = await post(desk, "/v1/dossiers", b" " + body, idempotency_key=key)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.body == first.body
    assert other.code == "idempotency.reused"


@pytest.mark.parametrize("path", ["/v1/systems", "/v1/systems/agency/secrets"])
async def test_a_long_address_is_kept_under_its_key(gateway: GatewayHouse, path: str) -> None:
    """Of letters by chance, which do not compress: longer than a line of an index."""
    desk, random = Desk(gateway), Random(1)
    key = uuid4().hex + "".join(random.choices(ascii_letters, k=160))
    reason = "".join(random.choices(ascii_letters + digits + "ăâđêôơưĂÂĐÊÔƠƯ", k=1990))
    body = {"name": "Một cửa", "level": "commune", "organs": [], "scopes": []} if path == "/v1/systems" else b""
    answers = [await post(desk, f"{path}?reason={_quoted(reason)}", body, idempotency_key=key) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201], answers
    assert answers[0].body == answers[1].body
    other = await post(desk, f"{path}?reason=khac", body, idempotency_key=key)
    assert other.body != answers[0].body


@pytest.mark.parametrize("path", ["/v1/organs", "/v1/organs:export", "/v1/organs/000.01.21.H28"])
@pytest.mark.parametrize(
    "at", ["0", "0.5", "1717376400", "-1", "2024-06-03T00:00:00", "20240603", "2024-6-3", "9999-12-31"]
)
async def test_days_are_written_as_days(gateway: GatewayHouse, path: str, at: str) -> None:
    assert (await get(Desk(gateway), f"{path}?at={at}")).status == 422


@pytest.mark.parametrize(
    "since", ["0", "0.5", "1717376400", "2024-06-03", "2024-06-03T00:00:00", "9999-12-31T00:00:00Z"]
)
@pytest.mark.parametrize("path", ["/v1/transfers", "/v1/audit"])
async def test_times_are_written_as_times(gateway: GatewayHouse, path: str, since: str) -> None:
    assert (await get(Desk(gateway), f"{path}?since={since}")).status == 422


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "' + "x" * 100 + '">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><edXML>&j;</edXML>"
).encode()  # fmt: skip
FILES: dict[str, bytes] = {
    "empty": b"",
    "no XML": MARKER.encode(),
    "cut off": file()[:-20],
    "cut in the middle": file()[:200],
    "another root": b"<a/>",
    "an empty root": b"<edXML/>",
    "entities in entities": LAUGHS,
    "an outer entity": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><edXML>&x;</edXML>',
    "an outer DTD": b'<?xml version="1.0"?><!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><edXML/>',
    "a parameter entity": b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x">%x;]><edXML/>',
    "an include": b'<edXML xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></edXML>',
    "1000 deep": b"<edXML>" + b"<a>" * 1000 + b"</a>" * 1000 + b"</edXML>",
    "100 000 deep": b"<a>" * 100_000,
    "100 000 attributes": b"<edXML " + b" ".join(b'a%d=""' % n for n in range(100_000)) + b"/>",
    "an attribute twice": b'<edXML a="1" a="2"/>',
    "a NUL": b"<edXML>\x00</edXML>",
    "a NUL by number": b"<edXML>&#0;</edXML>",
    "a surrogate by number": b"<edXML>&#xD800;</edXML>",
    "an unknown encoding": b'<?xml version="1.0" encoding="khong"?><edXML/>',
    "an encoding that lies": b'<?xml version="1.0" encoding="UTF-16"?><edXML/>',
    "invalid UTF-8": b"<edXML>\xff\xfe\xfa</edXML>",
    "the file twice": file() + file(),
    "JSON": orjson.dumps(document()),
    "a marker in the sender": file().replace(b"000.01.21.H28", MARKER.encode()),
    "a huge number": file().replace(b">12<", b">" + b"9" * 100_000 + b"<"),
}


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("media_type", [EDXML, "application/xml", "text/xml"])
async def test_files_that_are_no_documents(office: OfficeHouse, case: str, media_type: str, lines: Lines) -> None:
    desk, told = Desk(office), told_of("office")
    (operation,) = [each for each in told.operations if each.id == "sendDocument"]
    answer = await post(desk, "/v1/documents", FILES[case], media_type)
    assert not complaint(told, operation, answer, refused=True), case
    assert b"root:" not in answer.body
    assert not lines.errors()
    assert MARKER.encode() not in lines.raw.lower()


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


GOOD = b"grant_type=client_credentials"
TOKENS: dict[str, tuple[bytes, dict[str, str | None], set[int]]] = {
    "right": (GOOD, {"authorization": basic(f"integrator:{SECRET}".encode())}, {200}),
    "a wrong secret": (GOOD, {"authorization": basic(b"integrator:" + MARKER.encode())}, {401}),
    "an unknown system": (GOOD, {"authorization": basic(MARKER.encode() + b":x")}, {401}),
    "a suspended system": (GOOD, {"authorization": basic(f"suspended:{SECRET}".encode())}, {403}),
    "no colon": (GOOD, {"authorization": basic(MARKER.encode())}, {400, 401}),
    "nothing in it": (GOOD, {"authorization": basic(b":")}, {400, 401}),
    "a NUL in it": (GOOD, {"authorization": basic(b"a\x00:b\x00")}, {400, 401}),
    "no text in it": (GOOD, {"authorization": basic(b"\xff:\xfe")}, {400, 401}),
    "no Base64": (GOOD, {"authorization": "Basic !!!"}, {400, 401}),
    "a very long secret": (GOOD, {"authorization": basic(b"integrator:" + b"a" * 10_000)}, {400, 401}),
    "both ways": (GOOD + b"&client_id=integrator&client_secret=x", {"authorization": basic(b"integrator:y")}, {400,
    401}),
    "no credentials": (GOOD, {}, {400, 401}),
    "another grant": (b"grant_type=password&username=a&password=b&client_id=a&client_secret=b", {}, {400, 401}),
    "no grant": (b"client_id=a&client_secret=b", {}, {400, 401}),
    "the grant twice": (GOOD + b"&" + GOOD + b"&client_id=a&client_secret=b", {}, {400, 401}),
    "an unknown scope": (
        GOOD + b"&scope=" + MARKER.encode(), {"authorization": basic(f"integrator:{SECRET}".encode())}, {400},
    ),
    "a scope it has not": (GOOD + b"&scope=admin", {"authorization": basic(f"integrator:{SECRET}".encode())}, {400}),
    "scopes without end": (
        GOOD + b"&scope=" + b"a+" * 50_000, {"authorization": basic(f"integrator:{SECRET}".encode())}, {400},
    ),
    "as JSON": (b'{"grant_type": "client_credentials"}', {"content-type": "application/json"}, {400, 415}),
    "100 000 fields": (b"&".join(b"a%d=" % n for n in range(100_000)), {}, {400, 401}),
    "a percent alone": (b"grant_type=%", {}, {400, 401}),
    "no UTF-8": (b"grant_type=%FF%FE&client_id=%C0%AF", {}, {400, 401}),
    "a NUL": (GOOD + b"&client_id=%00&client_secret=%00", {}, {400, 401}),
    "10 MB": (b"a=" + b"a" * (10 * 1024 * 1024), {}, {400, 413}),
    "empty": (b"", {}, {400, 401}),
}  # fmt: skip


@pytest.mark.parametrize("case", TOKENS)
async def test_requests_for_tokens(gateway: GatewayHouse, case: str, lines: Lines) -> None:
    desk, told = Desk(gateway), told_of("gateway")
    (operation,) = [each for each in told.operations if each.id == "issueToken"]
    body, headers, statuses = TOKENS[case]
    given = {"content-type": "application/x-www-form-urlencoded", **headers}
    asked = Asked("POST", "/oauth/token", {name: value for name, value in given.items() if value}, body)
    answer = await desk.ask(asked)
    assert answer.status in statuses, answer
    assert not complaint(told, operation, answer)
    if answer.status == 401:
        assert answer.headers["www-authenticate"].startswith("Basic")
    assert answer.headers["cache-control"] == "no-store"
    assert not lines.errors()
    assert MARKER.encode() not in lines.raw.lower()
    assert SECRET.encode() not in lines.raw


SHEETS: dict[str, bytes] = {
    "empty": b"",
    "blanks": b"\r\n\r\n",
    "no columns of ours": b"a,b,c\r\n1,2,3\r\n",
    "only the code": b"code\r\n000.05.21.H28\r\n",
    "a code there is not": b"code,name,level\r\n!!" + b"x" * 100_000 + b",a,commune\r\n",
    "a NUL": b"code,name\r\n000.01.21.H28,a\x00b\r\n",
    "no UTF-8": b"code,name\r\n000.01.21.H28,\xff\xfe\r\n",
    "UTF-16": "code,name\r\n000.01.21.H28,Phường\r\n".encode("utf-16"),
    "a quote that stays open": b'code,name\r\n000.01.21.H28,"abc\r\n',
    "a quote within": b'code,name\r\n000.01.21.H28,a"b"c\r\n',
    "a field of 1 MB": b"code,name\r\n000.01.21.H28," + b"a" * 1_000_000 + b"\r\n",
    "100 000 columns": b"code" + b",x" * 100_000 + b"\r\n1\r\n",
    "30 000 lines": b"code,name,level\r\n" + b"".join(b"000.%d.H28,a,commune\r\n" % n for n in range(30_000)),
    "the column twice": b"code,code\r\n1,2\r\n",
    "a formula": b"code,name,level\r\n000.05.21.H28,\"=cmd|' /C calc'!A0\",commune\r\n",
    "a level there is not": b"code,name,level\r\n000.05.21.H28,a," + MARKER.encode() + b"\r\n",
    "a circle of superiors": b"code,name,level,superior\r\n000.05.21.H28,a,commune,000.05.21.H28\r\n",
    "bare returns": b"code,name,level\r000.05.21.H28,a,commune\r",
    "JSON": b'{"code": 1}',
}


@pytest.mark.parametrize("case", SHEETS)
async def test_sheets_that_are_none(gateway: GatewayHouse, case: str, lines: Lines) -> None:
    """Tried only: an answer tells by line, code and column what is wrong, never what stands there."""
    desk, told = Desk(gateway), told_of("gateway")
    (operation,) = [each for each in told.operations if each.id == "importOrgans"]
    answer = await post(desk, "/v1/organs:import?dry_run=true", SHEETS[case], "text/csv")
    assert not complaint(told, operation, answer), case
    assert MARKER.encode() not in answer.body
    assert len(answer.body) < 2_000_000
    assert not lines.errors()
    assert MARKER.encode() not in lines.raw.lower()


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())
