"""flowbind and Microsoft's SDK on one sandbox: each sees what the other wrote, and nothing else."""

import json

import pytest
from sandbox import CLIENT, ROOT, flowbind
from test_dataverse_sdk import DEFINITION, ENDPOINT, VALUE, VALUES, sign_in

ORDER_INTAKE_URL = "contoso_OrderIntakeUrl"
ELSEWHERE = "https://prod-01.westeurope.logic.azure.com:443/workflows/0/triggers/manual/paths/invoke"


class Manifest:
    """The example's manifest with an environment that is the served sandbox."""

    def __init__(self, sandbox, folder):
        text = (ROOT / "config" / "example.toml").read_text()
        served = f'[environments.served]\nurl = "{sandbox.url}"\nclient-id = "{CLIENT}"\n\n[policy]'
        self.path = folder / "flowbind.toml"
        self.path.write_text(text.replace("[policy]", served, 1))
        self.sandbox = sandbox

    def run(self, command, *arguments):
        """Runs a command on the served sandbox; returns its result."""
        where = ["--manifest", str(self.path), "--environment", "served", "--format", "json"]
        ended = flowbind(command, *where, *arguments, ca=self.sandbox.ca)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)


@pytest.fixture
def manifest(sandbox, tmp_path):
    return Manifest(sandbox, tmp_path)


@pytest.fixture
def client(sandbox):
    with sign_in(sandbox) as client:
        yield client


def value_of(client, variable):
    """The value row of a variable, as the SDK reads it."""
    [found] = client.records.list(
        DEFINITION,
        filter=f"schemaname eq '{variable}'",
        expand=[f"{VALUES}($select=value,environmentvariablevalueid)"],
    )
    [value] = found[VALUES]
    return value


def actions(plan):
    """Which targets a plan changes, and how."""
    return {
        change["address"]: change["action"]
        for change in plan["changes"]
        if change["action"] != "no-op"
    }


def test_the_sdk_reads_what_flowbind_wrote(manifest, client):
    assert manifest.run("apply", "--yes")["outcome"] == "applied"
    assert "/powerautomate/" in value_of(client, ORDER_INTAKE_URL)["value"]
    assert "sig=" in value_of(client, "contoso_PartnerWebhookUrl")["value"]
    endpoints = json.loads(value_of(client, "contoso_Endpoints")["value"])
    assert endpoints["version"] == 3 and endpoints["orders"]["region"] == "emea"
    assert endpoints["orders"]["status"] != endpoints["invoices"]["posted"]
    records = client.records.list(ENDPOINT, filter="contoso_url ne null", orderby=["contoso_name"])
    assert [one["contoso_name"] for one in records] == ["feedback", "shipments"]
    assert all("/powerautomate/" in one["contoso_url"] for one in records)


def test_flowbind_plans_exactly_the_update_of_what_the_sdk_changed(manifest, client):
    manifest.run("apply", "--yes")
    assert actions(manifest.run("plan")) == {}
    row = value_of(client, ORDER_INTAKE_URL)
    client.records.update(VALUE, row["environmentvariablevalueid"], {"value": ELSEWHERE})
    address = f"environment-variable/{ORDER_INTAKE_URL}"
    assert actions(manifest.run("plan")) == {address: "update"}
    assert manifest.run("apply", "--yes")["outcome"] == "applied"
    mended = value_of(client, ORDER_INTAKE_URL)
    same = ("environmentvariablevalueid", "value")
    assert [mended[column] for column in same] == [row[column] for column in same]


def test_flowbind_creates_again_what_the_sdk_deleted(manifest, client):
    manifest.run("apply", "--yes")
    row = value_of(client, ORDER_INTAKE_URL)
    client.records.delete(VALUE, row["environmentvariablevalueid"])
    address = f"environment-variable/{ORDER_INTAKE_URL}"
    assert actions(manifest.run("plan")) == {address: "create"}


def test_flowbind_leaves_alone_what_the_sdk_wrote_beside_it(manifest, client):
    manifest.run("apply", "--yes")
    row = value_of(client, "contoso_Endpoints")
    document = json.loads(row["value"]) | {"owner": "somebody else"}
    client.records.update(
        VALUE, row["environmentvariablevalueid"], {"value": json.dumps(document)}
    )
    assert actions(manifest.run("plan")) == {}
