"""The two streams of a request as they leave and enter the process: headers every answer has, bodies that stall."""

import asyncio

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Send

from contracts.problems import HubError
from services.kernel.problem_details import problem_response

BODY_PAUSE_SECONDS = 30.0
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Answer:
    """Adds headers to the answer and turns a plain 413 of the body limit into a problem."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._replaced = False
        self._request_id = request_id
        self.instance = f"urn:lienthong:request:{request_id}"
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            if message["status"] == 413 and not headers.get("content-type", "").startswith("application/problem"):
                await self._replace()
                return
            self.status = message["status"]
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers["X-Request-Id"] = self._request_id
            message["headers"] = headers.raw
        if not self._replaced:
            await self._send(message)

    async def _replace(self) -> None:
        response = problem_response(HubError("size.too_large"), self.instance)
        await self.send({"type": "http.response.start", "status": 413, "headers": response.raw_headers})
        await self.send({"type": "http.response.body", "body": response.body})
        self._replaced = True


def bounded_in_time(receive: Receive) -> Receive:
    """A body that stalls ends in 408; once it is complete, waiting (for a disconnect) is not bounded."""
    complete = False

    async def next_message() -> Message:
        nonlocal complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout(BODY_PAUSE_SECONDS):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "the body did not arrive in time") from None
        complete = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return next_message
