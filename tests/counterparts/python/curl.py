"""The plain `curl` program as a caller of trigger addresses."""

import dataclasses
import json
import subprocess

from sandbox import CLIENT, ENVIRONMENT, TENANT

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
FLOWS = f"/providers/Microsoft.ProcessSimple/environments/{ENVIRONMENT}/flows"


@dataclasses.dataclass
class Answer:
    """What came back."""

    status: int
    body: str
    run: str

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The error's code, or nothing."""
        return self.json["error"]["code"] if self.body else None

    @property
    def message(self):
        return self.json["error"]["message"]


class Curl:
    """`curl` that reaches one sandbox under every host name, and trusts its authority alone."""

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def __call__(self, method, url, *arguments, token=None):
        command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--request", method]
        command += ["--cacert", str(self.sandbox.ca)]
        command += ["--connect-to", f"::127.0.0.1:{self.sandbox.port}"]
        command += ["--write-out", "\n%{http_code} %header{x-ms-workflow-run-id}"]
        if token is not None:
            command += ["--header", f"Authorization: Bearer {token}"]
        if method == "POST" and not arguments:
            command += ["--header", "Content-Length: 0"]
        ended = subprocess.run(
            [*command, *arguments, url], capture_output=True, text=True, timeout=30, check=False
        )
        if ended.returncode != 0:
            raise RuntimeError(ended.stderr)
        body, _, last = ended.stdout.rpartition("\n")
        status, _, run = last.partition(" ")
        return Answer(int(status), body, run)

    def token(self, scope, **secret):
        """Signs in by device code, or as an application with a secret."""
        base = f"{self.sandbox.url}/{TENANT}/oauth2/v2.0"
        if secret:
            fields = {"grant_type": "client_credentials", "scope": scope, **secret}
        else:
            begun = self.form(f"{base}/devicecode", {"client_id": CLIENT, "scope": scope}).json
            fields = {"grant_type": DEVICE_CODE, "client_id": CLIENT}
            fields["device_code"] = begun["device_code"]
        return self.form(f"{base}/token", fields).json["access_token"]

    def form(self, url, fields):
        pairs = [f"{name}={value}" for name, value in fields.items()]
        return self("POST", url, *(part for pair in pairs for part in ("--data-urlencode", pair)))

    def callback(self, flow, token, trigger="manual"):
        """Asks for a trigger's address, as the service gives it."""
        path = f"{FLOWS}/{flow}/triggers/{trigger}/listCallbackUrl?api-version=2016-11-01"
        answer = self("POST", self.sandbox.url + path, token=token)
        return answer.json["response"]

    def switch_off(self, flow, token):
        url = f"{self.sandbox.url}/api/data/v9.2/workflows({flow})"
        state = json.dumps({"statecode": 0, "statuscode": 1})
        return self("PATCH", url, "--json", state, "--header", "If-Match: *", token=token)
