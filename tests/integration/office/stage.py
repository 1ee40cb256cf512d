"""One office program with a real database and a real broker, and a test that plays the gateway at the other end."""

import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import orjson
import uuid_utils
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OKPKey
from pydantic import SecretStr
from sqlalchemy import text

from contracts.envelope import Envelope, from_record, rfc3339, to_headers
from contracts.levels import Level
from contracts.protocol import Stamp
from services.commune.profile import PROFILE
from services.kernel.auth import ALGORITHM, AUDIENCE, token_registry
from services.kernel.messaging.cluster import Cluster
from services.kernel.messaging.kafka import Admin, Producer, Reader
from services.kernel.messaging.records import Ack, Outgoing
from services.kernel.messaging.topics import ensure
from services.kernel.settings import Settings
from services.office.assembly import Office

T = TypeVar("T")

HUB = "t28"
GATEWAY = f"urn:lienthong:{HUB}:gateway"
COMMUNE = f"urn:lienthong:{HUB}:commune"
PROVINCE = f"urn:lienthong:{HUB}:province"
COMMUNE_A, COMMUNE_B, COMMUNE_C = "000.01.21.H28", "000.02.21.H28", "000.03.21.H28"
COMMUNE_D = "000.04.21.H28"
DIVIDED = "000.07.21.H28"
"""Closed; nobody has chosen which of two successors receives."""
DISTRICT, DEPARTMENT = "000.00.21.H28", "000.00.03.H28"
ALIAS_A = "H28.21.01"
PROCEDURE = "1.001612"
AGENCY = ("dossier:write", "document:write", "inbox:read")
ORGANS: tuple[tuple[str, Level, tuple[str, ...]], ...] = (
    (COMMUNE_A, Level.COMMUNE, (ALIAS_A,)),
    (COMMUNE_B, Level.COMMUNE, ()),
    (COMMUNE_C, Level.COMMUNE, ()),
    (COMMUNE_D, Level.COMMUNE, ()),
    (DISTRICT, Level.DISTRICT, ()),
    (DEPARTMENT, Level.PROVINCE, ()),
)
SYSTEMS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("a", (COMMUNE_A,), AGENCY),
    ("b", (COMMUNE_B,), AGENCY),
    ("c", (COMMUNE_C,), AGENCY),
    ("d", (COMMUNE_D,), AGENCY),
    ("a-documents", (COMMUNE_A,), ("document:write", "inbox:read")),
    ("two", (COMMUNE_A, COMMUNE_B), AGENCY),
    ("district", (DISTRICT,), AGENCY),
    ("reader", (COMMUNE_A,), ("dossier:read", "inbox:read")),
    ("admin", (), ("admin",)),
)
Json = dict[str, Any]


async def until(condition: Callable[[], Awaitable[T]], *, seconds: float = 20.0, what: str = "") -> T:
    """Asks until the answer is truthy; fails loudly at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition!r}")


class Stage:
    """The office under test, its callers, and the gateway's side of both topics."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.office = Office(PROFILE, settings)
        self.cluster = Cluster.from_settings(settings)
        self.admin = Admin(self.cluster)
        self.producer = Producer(self.cluster)
        self.reader: Reader
        self.http: httpx.AsyncClient
        self.app: FastAPI
        self.ingested: list[Envelope] = []
        self._key = OKPKey.generate_key("Ed25519")
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "Stage":
        await ensure(self.admin, self.settings)
        await self._publish()
        self.app = app = self.office.app()
        await self._stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app=app)
        self.http = await self._stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://office", timeout=40)
        )
        self.reader = Reader(self.cluster, ["ingest.commune"])
        await self.reader.start()
        await until(self._ready, what="the office to be ready")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.reader.stop()
        await self._stack.aclose()
        await self.producer.aclose()
        await self.admin.aclose()

    # callers --------------------------------------------------------------------------------------------------------

    def token(self, system: str, **changes: Any) -> str:
        now = int(time.time())
        scopes = next((scopes for name, _, scopes in SYSTEMS if name == system), AGENCY)
        claims = {
            "iss": self.settings.gateway_url,
            "aud": AUDIENCE,
            "sub": system,
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + 3600,
        }
        return jwt.encode({"alg": ALGORITHM, "kid": "k1"}, claims | changes, self._key, registry=token_registry())

    async def call(self, method: str, path: str, system: str = "a", **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token(system)}", **options.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **options)

    async def get(self, path: str, system: str = "a", **params: Any) -> Json:
        answer = await self.call("GET", path, system, params=params)
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    async def post(self, path: str, body: Json, system: str = "a", *, expect: int = 200, **options: Any) -> Json:
        answer = await self.call("POST", path, system, json=body, **options)
        assert answer.status_code == expect, answer.text
        parsed: Json = answer.json()
        return parsed

    async def submit(self, system: str = "a", **fields: Any) -> Json:
        return await self.post("/v1/dossiers", dossier(**fields), system, expect=201)

    async def act(self, code: str, action: str, system: str = "a", *, expect: int = 200, **fields: Any) -> Json:
        return await self.post(f"/v1/dossiers/{code}/actions", {"action": action, **fields}, system, expect=expect)

    async def attach(self, content: bytes, system: str = "a") -> Json:
        sha256 = hashlib.sha256(content).hexdigest()
        answer = await self.call("PUT", f"/v1/attachments/{sha256}", system, content=content)
        assert answer.status_code in (200, 201), answer.text
        return {"sha256": sha256, "name": "giấy tờ.pdf", "media_type": "application/pdf"}

    async def items(self, system: str, subject: str, **params: Any) -> list[Json]:
        """Inbox items about one subject."""
        page = await self.get("/v1/inbox", system, limit=500, **params)
        return [item for item in page["items"] if item["subject"] == subject]

    async def await_transfer(self, transfer: str, *states: str, system: str = "a") -> Json:
        async def reached() -> Json | None:
            shown = await self.get(f"/v1/transfers/{transfer}", system)
            return shown if shown["state"] in states else None

        found = await until(reached, what=f"transfer {states}")
        assert found is not None
        return found

    async def await_dossier(self, code: str, system: str = "a", **fields: Any) -> Json:
        async def reached() -> Json | None:
            answer = await self.call("GET", f"/v1/dossiers/{code}", system)
            if answer.status_code != 200:
                return None
            shown: Json = answer.json()
            return shown if all(shown.get(name) == value for name, value in fields.items()) else None

        found = await until(reached, what=f"dossier {fields}")
        assert found is not None
        return found

    async def sql(self, query: str, **values: Any) -> list[Any]:
        async with self.office.database.read() as conn:
            return list((await conn.execute(text(query), values)).all())

    # the gateway's side ---------------------------------------------------------------------------------------------

    async def fact(self, subject: str, sequence: int, *, sender: str = "") -> Envelope:
        """The fact of that number in the ingest topic, the newest sending of it."""

        async def came() -> Envelope | None:
            await self.read()
            found = [
                each
                for each in self.ingested
                if (each.subject, each.sequence) == (subject, sequence) and sender in ("", each.sender)
            ]
            return found[-1] if found else None

        envelope = await until(came, what=f"fact {sequence} of {subject}")
        assert envelope is not None
        return envelope

    async def answers(self, message_type: str, subject: str, *, count: int = 1) -> list[Json]:
        """Items of receipts or controls from the office about a subject, at least so many."""

        async def came() -> list[Json] | None:
            await self.read()
            found = [
                item
                for each in self.ingested
                if each.type == message_type
                for item in orjson.loads(each.value)["items"]
                if item["subject"] == subject
            ]
            return found if len(found) >= count else None

        found = await until(came, what=f"{count} {message_type} about {subject}")
        assert found is not None
        return found

    async def read(self) -> None:
        """Takes over what has come to the ingest topic meanwhile."""
        records = await self.reader.poll(0.1)
        self.ingested += [from_record(record.headers, record.value) for record in records]

    async def deliver(self, *envelopes: Envelope) -> None:
        await self.send([_outgoing("deliver.commune", each.key, each.value, to_headers(each)) for each in envelopes])

    async def tell(self, message_type: str, *items: Json) -> None:
        """Receipts or controls of one kind, in one record."""
        await self.deliver(
            Envelope(
                id=new_id(),
                source=GATEWAY,
                type=message_type,
                subject="commune",
                time=datetime.now(UTC),
                value=orjson.dumps({"items": items}),
            )
        )

    async def route(self, fact: Envelope, stamp: Stamp | None, *organs: str) -> None:
        """`receipt.routed` with an open delivery for each organ."""
        reports = [{"organ": organ, "state": "open", "via": "office"} for organ in organs]
        await self.tell("receipt.routed", receipt(fact, stamp, at=moment(), deliveries=reports))

    async def hand_over(self, fact: Envelope, stamp: Stamp | None, *organs: str) -> None:
        reports = [{"organ": organ, "state": "handed_over", "handed_over_at": moment()} for organ in organs]
        await self.tell("receipt.handed-over", receipt(fact, stamp, deliveries=reports))

    async def refuse(self, fact: Envelope, code: str, stamp: Stamp | None = None) -> None:
        remedy = {"vi": "Đọc lại hồ sơ.", "en": "Read again."}
        await self.tell("receipt.refused", receipt(fact, stamp, at=moment(), step="custody", code=code, remedy=remedy))

    async def accept(self, fact: Envelope, stamp: Stamp) -> None:
        """The whole way of a fact without recipients."""
        await self.route(fact, stamp)

    async def send(self, records: Sequence[Outgoing]) -> None:
        results = await self.producer.send(records)
        assert all(isinstance(result, Ack) for result in results), results

    def registries(self) -> list[tuple[str, str, Json]]:
        """Topic, id and value of every registry entry of this hub."""
        organs = [
            ("registry.organ", code, {"code": code, "version": 1, "name": f"Cơ quan {code}", "level": level.value,
             "aliases": [{"code": alias, "kind": "new"} for alias in aliases]})
            for code, level, aliases in ORGANS
        ]  # fmt: skip
        closed = {"code": DIVIDED, "version": 1, "name": "Xã đã chia", "level": "commune", "valid_to": "2024-01-01",
                  "successors": [COMMUNE_B, COMMUNE_C]}  # fmt: skip
        organs.append(("registry.organ", DIVIDED, closed))
        systems = [
            ("registry.system", name, {"client_id": name, "version": 1, "name": name, "level": "commune",
             "organs": list(organs), "scopes": list(scopes)})
            for name, organs, scopes in SYSTEMS
        ]  # fmt: skip
        public = self._key.as_dict(private=False)
        jwk = {name: public[name] for name in ("kty", "crv", "x")}
        key = {"kid": "k1", "version": 1, "jwk": jwk, "valid_from": "2024-01-01T00:00:00Z"}
        return [*organs, *systems, ("registry.key", "k1", key)]

    async def _publish(self) -> None:
        await self.send([_outgoing(topic, name, orjson.dumps(value), ()) for topic, name, value in self.registries()])

    async def _ready(self) -> bool:
        answer = await self.http.get("/readyz")
        parts = {part["name"]: part["ok"] for part in answer.json()["parts"]}
        return answer.status_code == 200 and parts.get("consumer office.commune", False)


class Journey:
    """The gateway's numbering of hops of one subject, and facts of other offices on it."""

    def __init__(self, stage: Stage, subject: str, organs: tuple[str, ...] = (COMMUNE_A,)) -> None:
        self.stage = stage
        self.subject = subject
        self.organs = organs
        self.hop = 0

    def envelope(self, message_type: str, payload: Mapping[str, Any], **changes: Any) -> Envelope:
        """The next hop, unless `hopsequence` says another."""
        hop = changes.pop("hopsequence", None)
        if hop is None:
            self.hop += 1
            hop = self.hop
        fields: Json = {
            "id": new_id(),
            "source": PROVINCE,
            "type": message_type,
            "subject": self.subject,
            "sender": DEPARTMENT,
            "recipients": self.organs,
            "sequence": hop,
            "hopsequence": hop,
            "time": datetime.now(UTC),
            "occurredat": datetime.now(UTC),
            "value": orjson.dumps(payload),
        }
        return Envelope(**fields | changes)


def settings_for(url: str, bootstrap: str, home: Path, **changes: Any) -> Settings:
    fields: Json = {
        "program": "commune",
        "home": home,
        "hub": HUB,
        "local": True,
        "database_url": SecretStr(url),
        "kafka_bootstrap": bootstrap,
        "topic_prefix": f"o{secrets.token_hex(3)}.",
        "retry_scale": 0.2,
        "stop_seconds": 8.0,
    }
    return Settings(**fields | changes)


def dossier(**changes: Any) -> Json:
    body: Json = {
        "procedure": PROCEDURE,
        "applicant": {"kind": "citizen", "name": "Nguyễn Thị Mẫu", "id_number": "000000000000"},
        "summary": "Đăng ký thành lập hộ kinh doanh",
    }
    return body | changes


def fresh_code(organ: str = COMMUNE_A) -> str:
    return f"{organ}-20240603-{uuid4().int % 10_000_000:07d}"


def submitted(code: str, **changes: Any) -> Json:
    """The payload of `dossier.submitted` as another office sends it."""
    payload: Json = {
        "code": code,
        "procedure": PROCEDURE,
        "receiving_organ": DEPARTMENT,
        "channel": 1,
        "applicant": {"kind": "citizen", "name": "Trần Văn Mẫu"},
        "attachments": [],
    }
    return payload | changes


def act_payload(code: str, **fields: Any) -> Json:
    return {"code": code, "at": moment(), **fields}


def stamp(**changes: Any) -> Stamp:
    fields: Json = {"status": 1, "custodian": COMMUNE_A, "epoch": 1, "version": 1}
    return Stamp(**fields | changes)


def receipt(fact: Envelope, stamp_: Stamp | None, **fields: Any) -> Json:
    item: Json = {"source": fact.source, "id": fact.id, "subject": fact.subject, **fields}
    return item | ({"stamp": stamp_.to_dict()} if stamp_ else {})


def moment(shift: float = 0.0) -> str:
    return rfc3339(datetime.now(UTC) + timedelta(seconds=shift))


def new_id() -> str:
    return str(uuid_utils.uuid7())


def _outgoing(topic: str, key: str, value: bytes, headers: Any) -> Outgoing:
    return Outgoing(topic=topic, key=key, value=value, headers=headers)
