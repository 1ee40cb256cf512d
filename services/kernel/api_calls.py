"""How an operation is called from a shell: `curl` lines that work when pasted, made from the operation's examples.

They use the variables that `preparation` sets.
"""

import json
from collections.abc import Mapping
from shlex import quote
from typing import Any, Final
from urllib.parse import quote as percent

Json = Mapping[str, Any]

_FORM: Final = "application/x-www-form-urlencoded"
_JOIN: Final = " \\\n  "


def preparation(document: Json) -> str:
    """Sets BASE, CLIENT_ID, CLIENT_SECRET and, where the document knows tokens, TOKEN."""
    lines = [f"BASE={quote(_base(document))}", "CLIENT_ID='…' CLIENT_SECRET='…'"]
    schemes = document.get("components", {}).get("securitySchemes", {})
    flow = schemes.get("oauth2", {}).get("flows", {}).get("clientCredentials")
    if flow:
        ask = f'curl -sS -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials {quote(flow["tokenUrl"])}'
        pick = "python3 -c 'import json, sys; print(json.load(sys.stdin)[\"access_token\"])'"
        lines.append(f"TOKEN=$({ask} |\n  {pick})")
    return "\n".join(lines)


def call(method: str, path: str, operation: Json) -> str:
    """With the first example of the first kind of body."""
    media_type, example = first_example(operation.get("requestBody", {}))
    data = _data(media_type, example)
    shown = method.upper()
    verb = [] if shown == "GET" or (shown == "POST" and data) else [f"-X {shown}"]
    start = " ".join(["curl -sS", *verb, f'"$BASE{_address(path, operation)}"'])
    return _JOIN.join([start, *_headers(operation, media_type), *data])


def first_example(body: Json) -> tuple[str, Any]:
    """The kind of the body and its example; None when there is none."""
    for media_type, content in body.get("content", {}).items():
        return media_type, next(iter(examples(content).values()), None)
    return "", None


def examples(content: Json) -> dict[str, Any]:
    """Values by name; the one without a name has none."""
    named = {name: each["value"] for name, each in content.get("examples", {}).items() if "value" in each}
    return named or ({"": content["example"]} if "example" in content else {})


def _base(document: Json) -> str:
    for server in document.get("servers", ()):
        url: str = server["url"]
        for name, variable in server.get("variables", {}).items():
            url = url.replace(f"{{{name}}}", variable["default"])
        return url
    return ""


def _address(path: str, operation: Json) -> str:
    asked: list[str] = []
    for parameter in operation.get("parameters", ()):
        value = percent(str(_example(parameter)), safe=":,")
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", value)
        elif parameter["in"] == "query" and parameter.get("required"):
            asked.append(f"{parameter['name']}={value}")
    return path + (f"?{'&'.join(asked)}" if asked else "")


def _example(parameter: Json) -> Any:
    schema = parameter.get("schema", {})
    told = [parameter.get("example"), *schema.get("examples", ()), schema.get("default")]
    return next((each for each in told if each is not None), parameter["name"])


def _headers(operation: Json, media_type: str) -> list[str]:
    schemes = {name for each in operation.get("security", ()) for name in each}
    lines = []
    if "bearer" in schemes:
        lines.append('-H "Authorization: Bearer $TOKEN"')
    elif "basic" in schemes:
        lines.append('-u "$CLIENT_ID:$CLIENT_SECRET"')
    if media_type and media_type != _FORM:
        lines.append(f"-H {quote(f'Content-Type: {media_type}')}")
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "Idempotency-Key":
            lines.append('-H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)"')
        elif parameter["in"] == "header" and parameter.get("required"):
            told = f"{parameter['name']}: {_example(parameter)}"
            lines.append(f"-H {quote(told)}")
    return lines


def _data(media_type: str, example: Any) -> list[str]:
    if example is None:
        return []
    if media_type == _FORM and isinstance(example, Mapping):
        return [f"--data-urlencode {quote(f'{name}={value}')}" for name, value in example.items()]
    if not isinstance(example, str):
        return [f"-d {quote(json.dumps(example, ensure_ascii=False))}"]
    if "\r" in example:  # would not survive being pasted
        return [f"--data-binary @body.{media_type.rpartition('/')[2]}"]
    return [f"--data-binary {quote(example)}"]
