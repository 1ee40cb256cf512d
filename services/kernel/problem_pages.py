"""The pages behind the `type` of problems: what each code means and how to get on, in Vietnamese and English.

Plain routes without a token, served by every program: `/problems` and `/problems/{code}`, as HTML or, asked for, JSON.
The texts are in `contracts`.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contracts.causes.cause import Cause, Words
from contracts.problem_causes import CAUSES, TOPICS, Topic
from contracts.problems import PROBLEMS, HubError, Problem
from services.kernel import problem_html
from services.kernel.problem_details import PROBLEMS_PATH, Place

AGE_SECONDS = 3600
_HEADERS = {
    "Cache-Control": f"public, max-age={AGE_SECONDS}",
    "Content-Language": "vi, en",
    "Content-Security-Policy": problem_html.POLICY,
    "Vary": "Accept",
}


async def _index(request: Request) -> Response:
    if not _wants_json(request):
        return _html(problem_html.index())
    place: Place = request.state.place
    return _json({"topics": [_topic(topic, place) for topic in TOPICS]})


async def _about(request: Request) -> Response:
    code = request.path_params["code"]
    if code not in PROBLEMS:
        raise HubError("request.not_found", "there is no such error code")
    if not _wants_json(request):
        return _html(problem_html.about(PROBLEMS[code], CAUSES[code]))
    return _json(_described(PROBLEMS[code], CAUSES[code], request.state.place))


ROUTES = [Route(PROBLEMS_PATH, _index), Route(f"{PROBLEMS_PATH}/{{code}}", _about)]


def _topic(topic: Topic, place: Place) -> dict[str, Any]:
    listed = [_named(PROBLEMS[code], place) for code in topic.causes]
    return {"topic": topic.key, "title": _pair(topic.title), "problems": listed}


def _named(problem: Problem, place: Place) -> dict[str, Any]:
    title = {"vi": problem.title_vi, "en": problem.title}
    return {"type": place.type_of(problem.code), "code": problem.code, "status": problem.status, "title": title}


def _described(problem: Problem, cause: Cause, place: Place) -> dict[str, Any]:
    described = _named(problem, place) | {
        "cause": {"vi": cause.vi, "en": cause.en},
        "remedy": problem.remedy,
        "steps": {"vi": cause.steps_vi, "en": cause.steps_en},
        "repeat": {"kind": cause.repeat.name.lower(), **_pair(cause.repeat.value)},
        "seen": [{"kind": each.name.lower(), **_pair(each.value)} for each in cause.seen],
        "see": [{"code": code, "type": place.type_of(code)} for code in cause.see],
    }
    if problem.retry_after_seconds is not None:
        described["retry_after_seconds"] = problem.retry_after_seconds
    return described


def _pair(words: Words) -> dict[str, str]:
    return {"vi": words.vi, "en": words.en}


def _html(body: bytes) -> Response:
    return Response(body, media_type="text/html", headers=_HEADERS)


def _json(body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json", headers=_HEADERS)


def _wants_json(request: Request) -> bool:
    """By `format`, else where JSON is named in Accept and HTML is not liked as much; browsers name HTML."""
    chosen = request.query_params.get("format")
    if chosen in ("json", "html"):
        return chosen == "json"
    json, html = 0.0, 0.0
    for part in request.headers.get("accept", "").lower().split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        if media_type in ("application/json", "application/problem+json"):
            json = max(json, _weight(parameters))
        elif media_type in ("text/html", "application/xhtml+xml"):
            html = max(html, _weight(parameters))
    return json > html


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            text = value.strip()
            return float(text) if text.replace(".", "", 1).isdecimal() and text.isascii() else 0.0
    return 1.0
