"""CLI for Microsoft 365 signs in at a sandbox behind the real names, and works with its flows."""

import json
import os
import pathlib
import subprocess

import pytest
from sandbox import CLIENT, ENVIRONMENT, REAL_HOSTS, TENANT, environment

HERE = pathlib.Path(__file__).parent
PROGRAM = f"{os.environ['COUNTERPARTS_M365']}/node_modules/@pnp/cli-microsoft365/dist/index.js"
HOSTS = (*REAL_HOSTS, "management.azure.com", "graph.microsoft.com")


@pytest.fixture
def m365(start, tmp_path):
    sandbox = start(hosts=HOSTS)
    settings = {
        "CLIMICROSOFT365_NOUPDATE": "1",
        "HOME": str(tmp_path),
        "NODE_EXTRA_CA_CERTS": str(sandbox.ca),
        "NODE_OPTIONS": f"--import {HERE / 'real-names.mjs'}",
        "SANDBOX_PORT": str(sandbox.port),
    }

    def run(*arguments):
        """Runs a command, which must succeed; returns what it prints as JSON, if anything."""
        ended = subprocess.run(
            ["node", PROGRAM, *arguments, "--output", "json"],
            capture_output=True,
            text=True,
            timeout=300,
            env={**environment(), **settings},
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout) if ended.stdout.strip() else None

    run("cli", "config", "set", "--key", "disableTelemetry", "--value", "true")
    run("login", "--authType", "deviceCode", "--appId", CLIENT, "--tenant", TENANT)
    return run


def test_it_lists_flows_and_turns_one_off(m365):
    where = ["--environmentName", ENVIRONMENT]
    assert [one["name"] for one in m365("flow", "environment", "list")] == [ENVIRONMENT]
    assert m365("flow", "list", *where) == []
    flows = m365("flow", "list", *where, "--withSolutions")
    [flow] = [one["name"] for one in flows if one["properties"]["displayName"] == "Order intake"]
    [owner] = m365("flow", "owner", "list", *where, "--flowName", flow)
    assert owner["properties"]["roleName"] == "Owner"
    assert m365("flow", "run", "list", *where, "--flowName", flow) == []
    m365("flow", "disable", *where, "--name", flow)
    assert m365("flow", "get", *where, "--name", flow)["properties"]["state"] == "Stopped"
