"""Stands where `deploy.cli` will be started from: answers the probes of one program, or does one step, so that the
supervisor is tried with real processes whose readiness a test can change by files in the home folder.

`HOME/NAME.unready`: the probe answers 503. `HOME/NAME.broken`: the program ends at once."""

from __future__ import annotations

import http.server
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

HOME = Path(os.environ["LIENTHONG_HOME"])


class Probe(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        wanted = "/healthz" if sys.argv[1] == "axis" else "/readyz"
        ready = self.path == wanted and not (HOME / f"{sys.argv[1]}.unready").exists()
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    name = sys.argv[1]
    if (HOME / f"{name}.broken").exists():
        sys.exit("broken on purpose")
    if name == "seed":
        (HOME / "credentials.json").write_text("[]")
    elif name == "smoke":
        shift = float(os.environ["LIENTHONG_CLOCK_OFFSET_SECONDS"])
        begun = datetime.now(UTC) + timedelta(seconds=shift)
        print("sample traffic shown on", begun.date(), os.environ["LIENTHONG_LOCAL"])
    elif name not in ("migrate", "topics"):
        port = int(os.environ[f"LIENTHONG_PORT_{name.upper()}"])
        http.server.ThreadingHTTPServer(("127.0.0.1", port), Probe).serve_forever()


if __name__ == "__main__":
    main()
