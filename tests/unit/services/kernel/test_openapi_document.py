"""What every operation's page gets without saying it: scopes, headers, problems by reference, conditional reads."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Query
from pydantic import BaseModel

from services.kernel.auth import Caller, require
from services.kernel.openapi import answer, link, problem_responses
from services.kernel.openapi_document import finished
from services.kernel.problem_details import RESPONSES

Json = dict[str, Any]


class Thing(BaseModel):
    """It has a member called like a keyword."""

    title: str


def document() -> Json:
    router = APIRouter()

    @router.get("/z", operation_id="readThing", responses={**problem_responses(["request.not_found"])})
    async def read(
        _caller: Annotated[Caller, require("dossier:read", "document:read")],
        x_organ: Annotated[str | None, Header()] = None,
        kind: Annotated[str | None, Query(description="Which")] = None,
    ) -> Thing:
        """Reads.

        Đọc.
        """
        return Thing(title=f"{x_organ}{kind}")

    @router.post("/a", operation_id="makeThing", responses={200: answer("Made", links={"it": link("readThing")})})
    async def make(thing: Thing, idempotency_key: Annotated[str | None, Header()] = None) -> Thing:
        return thing

    app = FastAPI(title="t", responses=RESPONSES)
    app.include_router(router)
    return finished(app.openapi())


def test_scopes_are_alternatives_and_told_in_words() -> None:
    read = document()["paths"]["/z"]["get"]
    assert read["security"] == [{"oauth2": ["dossier:read"]}, {"oauth2": ["document:read"]}, {"bearer": []}]
    assert read["description"].endswith("**Scope · Quyền:** `dossier:read` / `document:read`")


def test_an_operation_without_token_says_so() -> None:
    made = document()
    assert made["paths"]["/a"]["post"]["security"] == []
    assert sorted(made["components"]["securitySchemes"]) == ["bearer", "oauth2"], "basic is asked for by nobody"


def test_what_may_be_left_out_may_not_be_null_and_headers_are_written_as_people_do() -> None:
    parameters = {each["name"]: each for each in document()["paths"]["/z"]["get"]["parameters"]}
    assert parameters["kind"]["schema"] == {"type": "string"}
    assert parameters["X-Organ"]["schema"] == {"type": "string"}


def test_json_that_is_read_is_conditional() -> None:
    made = document()
    read, make = made["paths"]["/z"]["get"], made["paths"]["/a"]["post"]
    assert "ETag" in read["responses"]["200"]["headers"]
    assert read["responses"]["304"] == {"$ref": "#/components/responses/NotModified"}
    assert "If-None-Match" in [each["name"] for each in read["parameters"]]
    assert "304" not in make["responses"]


def test_headers_follow_from_status_and_parameters() -> None:
    made = document()["paths"]
    read, make = made["/z"]["get"]["responses"], made["/a"]["post"]["responses"]
    assert "Retry-After" in read["503"]["headers"]
    assert "WWW-Authenticate" in read["401"]["headers"]
    assert "Idempotency-Replayed" in make["200"]["headers"]
    assert "Idempotency-Replayed" not in read["200"]["headers"]
    assert all("X-Request-Id" in each["headers"] for each in read.values() if "$ref" not in each)


def test_problems_are_shared_and_the_frameworks_own_is_not_shown() -> None:
    made = document()
    content = made["paths"]["/z"]["get"]["responses"]["404"]["content"]["application/problem+json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert content["examples"] == {"request.not_found": {"$ref": "#/components/examples/request.not_found"}}
    assert made["components"]["examples"]["request.not_found"]["value"]["status"] == 404
    assert "422" not in made["paths"]["/a"]["post"]["responses"]
    assert "HTTPValidationError" not in made["components"]["schemas"]


def test_titles_made_of_names_are_gone_and_members_called_title_stay() -> None:
    thing = document()["components"]["schemas"]["Thing"]
    assert thing["properties"] == {"title": {"type": "string"}}
    assert "title" not in thing


def test_paths_are_in_order() -> None:
    assert list(document()["paths"]) == ["/a", "/z"]
