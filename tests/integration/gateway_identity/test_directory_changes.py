"""The organ directory changed over HTTP: whole entries, single fields, aliases, and sheets of many organs."""

import csv
import io
from datetime import date
from typing import Any

import pytest

from deploy import seeding
from deploy.seed.load import read as read_seed
from gateway.organs import actions
from gateway.organs.snapshot import OrganSnapshot
from services.kernel.database import Database
from tests.integration.gateway_identity.conftest import ACT, Gateway
from tests.integration.gateway_identity.test_systems import audit, problem

PATH = "/v1/organs"
NEW: dict[str, Any] = {"name": "Phường Tân Hòa", "level": "commune", "superiors": [{"organ": "000.00.00.H28"}]}
CSV = {"Content-Type": "text/csv; charset=UTF-8"}


async def put(gateway: Gateway, **fields: Any) -> Any:
    return await gateway.as_administrator("PUT", f"{PATH}/000.02.21.H28", json={**NEW, **fields})


async def sheet(gateway: Gateway, text: str, **query: Any) -> Any:
    return await gateway.as_administrator("POST", f"{PATH}:import", content=text.encode(), headers=CSV, params=query)


class TestPut:
    async def test_registers_and_gives_anew(self, gateway: Gateway) -> None:
        answer = await put(gateway)
        assert (answer.status_code, answer.headers["etag"], answer.json()["version"]) == (201, '"1"', 1)
        shown = await gateway.get(f"{PATH}/000.02.21.h28")
        assert (shown.json(), shown.headers["etag"]) == (answer.json(), '"1"')
        again = await gateway.as_administrator("PUT", f"{PATH}/000.02.21.H28", json={**shown.json(), "name": "Mới"})
        assert (again.status_code, again.headers["etag"], again.json()["name"]) == (200, '"2"', "Mới")
        stale = await gateway.as_administrator("PUT", f"{PATH}/000.02.21.H28", json=shown.json())
        assert problem(stale)[:2] == (412, "request.precondition_failed")
        marks = await audit(gateway, target="organ:000.02.21.H28")
        assert [(mark["action"], mark["after"]["version"]) for mark in marks] == [
            ("organ.changed", 2),
            ("organ.created", 1),
        ]
        assert marks[0]["before"] == marks[1]["after"]

    async def test_same_entry_again_changes_nothing(self, gateway: Gateway) -> None:
        await put(gateway)
        answer = await put(gateway)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')

    async def test_if_match_and_conditional_reading(self, gateway: Gateway) -> None:
        headers = {"If-Match": '"1"'}
        path = f"{PATH}/000.02.21.H28"
        assert problem(await gateway.as_administrator("PUT", path, json=NEW, headers=headers))[0] == 412
        await put(gateway)
        assert (
            await gateway.as_administrator("PUT", path, json={**NEW, "kind": "x"}, headers=headers)
        ).status_code == 200
        assert problem(await gateway.as_administrator("PUT", path, json=NEW, headers=headers))[0] == 412
        held = await gateway.as_administrator("GET", path, headers={"If-None-Match": '"2"'})
        assert (held.status_code, held.content) == (304, b"")

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"superiors": [{"organ": "nobody"}]}, "/superiors/0/organ"),
            ({"aliases": [{"code": "H28.21.01"}]}, "/aliases/0/code"),
            ({"home": "axis"}, "/home"),
            ({"valid_from": "2025-07-01", "valid_to": "2025-07-01"}, "/valid_to"),
            ({"code": "H44"}, "/code"),
            ({"level": "village"}, "/level"),
            ({"colour": "red"}, "/colour"),
        ],
    )
    async def test_refuses_with_the_place(self, gateway: Gateway, fields: dict[str, Any], pointer: str) -> None:
        assert problem(await put(gateway, **fields)) == (422, "request.invalid", pointer)
        assert (await gateway.get(f"{PATH}/000.02.21.H28")).status_code == 404


class TestPatch:
    async def test_home_suspension_and_closing(self, gateway: Gateway, database: Database) -> None:
        await put(gateway)
        path = f"{PATH}/000.01.21.H28"
        assert (await gateway.as_administrator("PATCH", path, json={"home": "vxp"})).json()["home"] == "vxp"
        await gateway.as_administrator("PATCH", path, json={"suspended": True, "reason": "thử"})
        closing = {"valid_to": "2025-08-01", "successors": ["000.02.21.h28"], "reason": "sáp nhập"}
        closed = (await gateway.as_administrator("PATCH", path, json=closing)).json()
        assert (closed["successors"], closed["suspended"]) == (["000.02.21.H28"], True)
        directory = OrganSnapshot()
        async with database.read() as conn:
            await directory.refresh(conn)
        resolution = directory.directory.resolve("H28.21.01", date(2025, 8, 1))
        assert resolution.organ is not None
        assert resolution.organ.code == "000.02.21.H28"
        opened = (await gateway.as_administrator("PATCH", path, json={"valid_to": None})).json()
        assert (opened["valid_to"], opened["successors"]) == (None, [])
        marks = await audit(gateway, target="000.01.21.H28", client_id="administrator")
        assert [(mark["action"], mark["reason"]) for mark in reversed(marks)] == [
            ("organ.changed", ""), ("organ.suspended", "thử"), ("organ.closed", "sáp nhập"), ("organ.changed", ""),
        ]  # fmt: skip

    async def test_lists_filter_by_home(self, gateway: Gateway) -> None:
        await gateway.as_administrator("PATCH", f"{PATH}/H28.21.01", json={"home": "vxp"})
        for home, found in (("vxp", ["000.01.21.H28"]), ("office", ["000.00.00.H28"]), ("axis", [])):
            items = (await gateway.get(PATH, home=home)).json()["items"]
            assert [item["code"] for item in items] == found

    @pytest.mark.parametrize(
        ("code", "body", "expected"),
        [
            ("nobody", {"name": "x"}, (404, "request.not_found", None)),
            ("000.01.21.H28", {"name": None}, (422, "request.invalid", "/name")),
            ("000.01.21.H28", {"successors": ["000.00.00.H28"]}, (422, "request.invalid", "/successors")),
            ("000.01.21.H28", {"level": "province"}, (422, "request.invalid", "/level")),
        ],
    )
    async def test_refusals(self, gateway: Gateway, code: str, body: dict[str, Any], expected: Any) -> None:
        assert problem(await gateway.as_administrator("PATCH", f"{PATH}/{code}", json=body)) == expected


class TestAliases:
    async def test_organ_is_found_by_its_new_code(self, gateway: Gateway) -> None:
        path = f"{PATH}/H28.21.01/aliases"
        for _ in range(2):
            answer = await gateway.as_administrator("POST", path, json={"code": "X99", "kind": "new"})
            assert (answer.status_code, answer.headers["etag"]) == (201, '"2"')
        assert (await gateway.get(f"{PATH}/x99")).json()["code"] == "000.01.21.H28"

    async def test_code_of_another_is_refused_in_terms_of_the_alias(self, gateway: Gateway) -> None:
        answer = await gateway.as_administrator("POST", f"{PATH}/H28.21.01/aliases", json={"code": "000.00.00.H28"})
        assert problem(answer) == (422, "request.invalid", "/code")


class TestImport:
    HEADER = "code,name,level,superior\n"

    async def test_creates_changes_and_tells_by_line(self, gateway: Gateway) -> None:
        text = self.HEADER + (
            "000.01.21.H28,Phường Đồng Tiến,commune,000.00.21.H28::2025-07-01|000.00.00.H28:2025-07-01\n"
            "C2,Xã Hai,commune,D9\nD9,Huyện Chín,district,000.00.00.H28\n"
        )
        dry = await sheet(gateway, text, dry_run=True)
        assert dry.status_code == 200
        assert (await gateway.get(f"{PATH}/C2")).status_code == 404
        answer = await sheet(gateway, text, reason="nhập danh mục")
        body = answer.json()
        assert body == {**dry.json(), "dry_run": False}
        assert {name: body[name] for name in ("lines", "created", "changed", "unchanged", "refused")} == {
            "lines": 3, "created": 2, "changed": 1, "unchanged": 0, "refused": 0,
        }  # fmt: skip
        held = (await gateway.get(f"{PATH}/000.01.21.H28")).json()
        assert [alias["code"] for alias in held["aliases"]] == ["H28.21.01"]
        assert [fact["organ"] for fact in held["superiors"]] == ["000.00.21.H28", "000.00.00.H28"]
        marks = await audit(gateway, client_id="administrator")
        assert [mark["action"] for mark in marks] == [
            "organ.imported",
            "organ.created",
            "organ.created",
            "organ.changed",
        ]
        assert {mark["reason"] for mark in marks} == {"nhập danh mục"}
        again = (await sheet(gateway, text)).json()
        assert (again["unchanged"], again["report"]) == (3, [])

    async def test_a_refused_line_refuses_all_unless_partial(self, gateway: Gateway) -> None:
        text = self.HEADER + "C2,Xã Hai,commune,000.00.00.H28\nC3,Xã Ba,commune,nobody\n"
        refused = await sheet(gateway, text)
        assert problem(refused)[:2] == (422, "request.invalid")
        body = refused.json()
        assert body["report"][0] == {
            "line": 3, "code": "C3", "outcome": "refused",
            "errors": [{"column": "superior", "problem": "no such organ"}],
        }  # fmt: skip
        assert (body["dry_run"], body["created"], body["refused"]) == (False, 1, 1)
        assert (await gateway.get(f"{PATH}/C2")).status_code == 404
        assert await audit(gateway, client_id="administrator") == []
        assert (await sheet(gateway, text, dry_run=True)).status_code == 200
        partial = await sheet(gateway, text, partial=True)
        assert (partial.status_code, partial.json()["created"]) == (200, 1)
        assert (await gateway.get(f"{PATH}/C2")).status_code == 200

    async def test_export_imports_without_a_change(self, gateway: Gateway, database: Database) -> None:
        async with database.transaction() as conn:
            await actions.load(conn, read_seed(seeding.SEEDS["full"]), by=ACT)
        exported = await gateway.as_administrator("GET", f"{PATH}:export")
        assert exported.headers["content-type"] == "text/csv; charset=utf-8"
        assert 'filename="organs.csv"' in exported.headers["content-disposition"]
        answer = (await sheet(gateway, exported.text)).json()
        assert (answer["unchanged"], answer["refused"]) == (answer["lines"], 0)
        assert answer["lines"] == len(list(csv.DictReader(io.StringIO(exported.text)))) > 760

    async def test_export_as_of_a_date_is_what_is_listed_then(self, gateway: Gateway) -> None:
        for at in ("2025-06-30", "2025-07-01"):
            answer = await gateway.as_administrator("GET", f"{PATH}:export", params={"at": at})
            codes = [row["code"] for row in csv.DictReader(io.StringIO(answer.text))]
            assert codes == [item["code"] for item in (await gateway.get(PATH, at=at)).json()["items"]]

    async def test_export_reads_back_into_an_empty_directory(self, gateway: Gateway, database: Database) -> None:
        exported = await gateway.as_administrator("GET", f"{PATH}:export")
        directory = OrganSnapshot()
        async with database.read() as conn:
            await directory.refresh(conn)
        assert {organ.code for organ in directory.directory} == {
            row["code"] for row in csv.DictReader(io.StringIO(exported.text))
        }

    @pytest.mark.parametrize(
        ("content", "kind", "status"),
        [
            (b"code\n\xff\n", "text/csv", 400),
            (b"code,colour\nA1,x\n", "text/csv", 422),
            (b"", "text/csv", 422),
            (b"code\n", "application/json", 415),
            (b"code\n", "text/csv; charset=utf-16", 415),
            (b"code\n" + b"A1\n" * 20_001, "text/csv", 413),
            (b"code\n" + b"x" * (16 * 1024 * 1024), "text/csv", 413),
        ],
    )
    async def test_what_is_no_sheet_is_refused(self, gateway: Gateway, content: bytes, kind: str, status: int) -> None:
        answer = await gateway.as_administrator(
            "POST", f"{PATH}:import", content=content, headers={"Content-Type": kind}
        )
        assert problem(answer)[0] == status

    async def test_a_whole_country_is_taken(self, gateway: Gateway, database: Database) -> None:
        """Above the usual limit of bodies, and every line is in the directory and in the audit afterwards."""
        count = 14_000
        name = "Ủy ban nhân dân xã " + "dài " * 60
        text = self.HEADER + "".join(f"C{n},{name}{n},commune,000.00.00.H28\n" for n in range(count))
        assert len(text.encode()) > 4 * 1024 * 1024
        answer = await sheet(gateway, text)
        body = answer.json()
        assert (answer.status_code, body["created"], len(body["report"]), body["omitted"]) == (200, count, 1000, 13_000)
        assert (await gateway.get(f"{PATH}/C13999")).status_code == 200
        found = await audit(gateway, target="organ:C13999")
        assert [mark["action"] for mark in found] == ["organ.created"]
