"""flowbind on an OData service by another hand: it parses what the client asks, keeps the rows, checks the types of
what is written, carries change sets out, and refuses what was changed in between by its own entity tags."""

import json

import pytest
from odata_server import Front
from sandbox import CLIENT, ROOT, flowbind

VALUES = "environmentvariablevalues"
VARIABLE = "contoso_OrderIntakeUrl"
ELSEWHERE = "https://prod-01.westeurope.logic.azure.com:443/workflows/0/triggers/manual/paths/invoke"


class Deployment:
    """The example's manifest with an environment that is the front."""

    def __init__(self, front, folder):
        text = (ROOT / "config" / "example.toml").read_text()
        served = f'[environments.served]\nurl = "{front.url}"\nclient-id = "{CLIENT}"\n\n[policy]'
        self.path = folder / "flowbind.toml"
        self.path.write_text(text.replace("[policy]", served, 1))
        self.journal = f"plain:{folder}/journal.json"

    def run(self, command, *arguments):
        where = ["--manifest", str(self.path), "--environment", "served", "--format", "json"]
        variables = {"FLOWBIND_TOKEN_STORE": "none", "NO_PROXY": "*"}
        return flowbind(command, *where, *arguments, variables=variables)

    def outcome(self, command, *arguments):
        ended = self.run(command, *arguments)
        assert ended.stdout, ended.stderr
        return json.loads(ended.stdout)["outcome"]


@pytest.fixture
def front(start):
    front = Front(start(tls=False))
    yield front
    front.stop()


@pytest.fixture
def deployment(front, tmp_path):
    return Deployment(front, tmp_path)


def rows(front, entity_set):
    return [row.as_dict() for row in front.store.entities(entity_set)]


def value_of(front, variable):
    [found] = [row["value"] for row in rows(front, VALUES) if row["schemaname"] == variable]
    return found


def test_a_deployment_goes_there_and_back(front, deployment):
    before = {name: rows(front, name) for name in (VALUES, "contoso_endpoints")}
    assert deployment.outcome("plan") == "planned"
    assert deployment.outcome("apply", "--yes", "--journal", deployment.journal) == "applied"
    urls = [row["contoso_url"] for row in rows(front, "contoso_endpoints") if row["contoso_url"]]
    assert len(urls) == 2 and all("/powerautomate/" in url for url in urls)
    assert "/triggers/manual/paths/invoke" in value_of(front, VARIABLE)
    assert deployment.outcome("check") == "agreed"
    back = deployment.outcome("rollback", "--yes", deployment.journal)
    assert back == "applied"
    assert {name: rows(front, name) for name in before} == before
    asked = {path.partition("?")[0] for _, path in front.requests}
    assert "/api/data/v9.2/$batch" in asked and "/api/data/v9.2/workflows" in asked


@pytest.mark.parametrize("change", [{"value": ELSEWHERE}, None])
def test_a_row_that_changes_or_goes_before_the_write_is_not_overwritten(front, deployment, change):
    assert deployment.outcome("apply", "--yes") == "applied"
    front.store.change(VALUES, "schemaname", VARIABLE, {"value": "https://old.example/"})
    endpoints = rows(front, "contoso_endpoints")
    front.before_batch = lambda: front.store.change(VALUES, "schemaname", VARIABLE, change)
    refused = deployment.run("apply", "--yes")
    assert refused.returncode == 5, refused.stderr
    assert "somebody else wrote to a target after it was read" in refused.stderr
    left = [row["value"] for row in rows(front, VALUES) if row["schemaname"] == VARIABLE]
    assert left == ([ELSEWHERE] if change else [])
    assert rows(front, "contoso_endpoints") == endpoints
