"""The Azure CLI signs in at a sandbox behind the real names, and flowbind takes its tokens by the command that the
documentation recommends."""

import json
import re
import subprocess
import sys

import pytest
from sandbox import REAL_HOSTS, ROOT, TENANT, environment, flowbind, tenant_file

AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
APPLICATION = f'[[application]]\nname = "Azure CLI"\nclient-id = "{AZURE_CLI}"\n'
# Leads every connection to port 443 to the sandbox, in the CLI's own process.
HERE = """
import os, socket
look_up = socket.getaddrinfo
def here(host, port, *rest, **named):
    if port == 443:
        host, port = "127.0.0.1", int(os.environ["SANDBOX_PORT"])
    return look_up(host, port, *rest, **named)
socket.getaddrinfo = here
"""


class Az:
    """The CLI with a configuration of its own, as a program that carries its environment with it."""

    def __init__(self, folder, sandbox):
        (folder / "hook").mkdir()
        (folder / "hook" / "sitecustomize.py").write_text(HERE)
        settings = {
            "AZURE_CONFIG_DIR": folder / "azure",
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
            "PYTHONPATH": folder / "hook",
            "REQUESTS_CA_BUNDLE": sandbox.ca,
            "SANDBOX_PORT": sandbox.port,
            "NO_PROXY": "*",
        }
        exports = "".join(f"export {name}='{value}'\n" for name, value in settings.items())
        self.program = folder / "az"
        self.program.write_text(f'#!/bin/sh\n{exports}exec "{sys.executable}" -m azure.cli "$@"\n')
        self.program.chmod(0o755)

    def run(self, *arguments):
        return subprocess.run(
            [str(self.program), *arguments], capture_output=True, text=True, timeout=300, env=environment()
        )

    def json(self, *arguments):
        ended = self.run(*arguments, "--output", "json")
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)


@pytest.fixture
def sandbox(start, tmp_path):
    tenant = tenant_file(tmp_path, (None, APPLICATION))
    return start(tenant=tenant, hosts=(*REAL_HOSTS, "management.azure.com"))


@pytest.fixture
def az(tmp_path, sandbox):
    az = Az(tmp_path, sandbox)
    signed_in = az.json("login", "--use-device-code", "--tenant", TENANT, "--allow-no-subscriptions")
    assert signed_in[0]["tenantId"] == TENANT
    return az


def test_it_signs_in_and_its_tokens_serve_flowbind(az, sandbox):
    token = az.json("account", "get-access-token", "--resource", "https://service.flow.microsoft.com/")
    assert token["tenant"] == TENANT and token["accessToken"].count(".") == 2
    command = f"'{az.program}' account get-access-token --resource {{resource}}"
    where = ["--manifest", str(ROOT / "config" / "example.toml"), "--environment", sandbox.url]
    where += ["--token-command", command]
    applied = flowbind("apply", *where, "--yes", ca=sandbox.ca)
    assert applied.returncode == 0, applied.stderr
    assert flowbind("check", *where, ca=sandbox.ca).returncode == 0


def test_a_resource_that_the_directory_does_not_know_is_refused(az):
    refused = az.run("account", "get-access-token", "--resource", "https://other.crm4.dynamics.com/")
    assert refused.returncode != 0 and re.search(r"AADSTS\d+", refused.stderr)
