"""Microsoft's Dataverse SDK for Python, signed in by its own device-code credential, on the sandbox."""

import pytest
from azure.identity import DeviceCodeCredential
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models import UpsertItem
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.query_builder import ExpandOption
from sandbox import CLIENT, ORDER_INTAKE, TENANT

ENDPOINT = "contoso_endpoint"
DEFINITION = "environmentvariabledefinition"
VALUE = "environmentvariablevalue"
VALUES = "environmentvariabledefinition_environmentvariablevalue"
ORDERS = "9fa57ebf-390c-4011-998a-7c1e5275cfe9"


def sign_in(sandbox):
    """The SDK's own client; its person is asked once, and the prompt is kept."""
    prompts = []
    credential = DeviceCodeCredential(
        client_id=CLIENT,
        tenant_id=TENANT,
        authority=sandbox.url,
        disable_instance_discovery=True,
        prompt_callback=lambda *prompt: prompts.append(prompt),
    )
    client = DataverseClient(sandbox.url, credential)
    client.prompts = prompts
    return client


@pytest.fixture
def client(sandbox):
    """A client on a sandbox of its own."""
    with sign_in(sandbox) as client:
        yield client


def names(records):
    return [record["contoso_name"] for record in records]


def test_the_person_is_asked_once_for_all_requests(client, sandbox):
    assert len(client.records.list(ENDPOINT)) == 3
    assert len(client.records.list("workflow", filter="category eq 5")) == 13
    [(address, code, _)] = client.prompts
    assert address == f"{sandbox.url}/devicelogin" and code.isalnum()


def test_a_record_is_created_read_updated_and_deleted(client):
    new = client.records.create(ENDPOINT, {"contoso_Name": "O'Brien & sons", "contoso_priority": 7})
    read = client.records.retrieve(ENDPOINT, new, select=["contoso_name", "contoso_priority"])
    assert (read["contoso_name"], read["contoso_priority"]) == ("O'Brien & sons", 7)
    client.records.update(ENDPOINT, new, {"contoso_priority": 8, "contoso_notes": "Größe: 5 €"})
    read = client.records.retrieve(ENDPOINT, new)
    assert (read["contoso_priority"], read["contoso_notes"]) == (8, "Größe: 5 €")
    client.records.delete(ENDPOINT, new)
    assert client.records.retrieve(ENDPOINT, new) is None


def test_an_update_of_a_missing_record_creates_none(client):
    missing = "00000000-0000-4000-8000-000000000001"
    with pytest.raises(HttpError) as refused:
        client.records.update(ENDPOINT, missing, {"contoso_name": "ghost"})
    assert refused.value.status_code == 404
    assert len(client.records.list(ENDPOINT)) == 3


def test_many_records_are_created_updated_and_deleted(client):
    new = client.records.create(ENDPOINT, [{"contoso_name": f"bulk {n}"} for n in range(5)])
    assert len(new) == 5
    client.records.update(ENDPOINT, new, {"contoso_region": "apac"})
    client.records.update(ENDPOINT, new, [{"contoso_priority": n} for n in range(5)])
    found = client.records.list(
        ENDPOINT, filter="startswith(contoso_name,'bulk')", orderby=["contoso_priority desc"]
    )
    assert names(found) == [f"bulk {n}" for n in (4, 3, 2, 1, 0)]
    assert {record["contoso_region"] for record in found} == {"apac"}
    client.records.delete(ENDPOINT, new, use_bulk_delete=False)
    assert len(client.records.list(ENDPOINT)) == 3


def test_a_bulk_delete_removes_exactly_its_records(client):
    new = client.records.create(ENDPOINT, [{"contoso_name": f"bulk {n}"} for n in range(3)])
    job = client.records.delete(ENDPOINT, new[:2])
    assert job is not None
    assert sorted(names(client.records.list(ENDPOINT))) == ["bulk 2", "orders", "returns", "shipments"]


def test_a_failing_target_of_many_leaves_nothing_behind(client):
    with pytest.raises(HttpError) as refused:
        client.records.create(ENDPOINT, [{"contoso_name": "fresh"}, {"contoso_name": "orders"}])
    assert (refused.value.status_code, refused.value.details["service_error_code"]) == (
        412,
        "0x80060892",
    )
    assert sorted(names(client.records.list(ENDPOINT))) == ["orders", "returns", "shipments"]


def test_a_query_filters_orders_and_limits(client):
    query = client.query.builder(ENDPOINT).select("contoso_name", "contoso_priority")
    found = (
        query.where((col("contoso_priority") >= 2) | (col("contoso_name") == "shipments"))
        .order_by("contoso_priority", descending=True)
        .top(2)
        .execute()
    )
    assert names(found) == ["returns", "orders"]
    assert set(found[0]) >= {"contoso_name", "contoso_priority"}


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        (col("contoso_region") == "EMEA", ["orders", "shipments"]),
        (col("contoso_region") != "emea", ["returns"]),
        (col("contoso_url").is_null(), ["orders", "returns"]),
        (col("contoso_url").is_not_null(), ["shipments"]),
        (col("contoso_name").contains("ship"), ["shipments"]),
        (col("contoso_name").endswith("s"), ["orders", "returns", "shipments"]),
        (col("contoso_name").in_(["orders", "returns"]), ["orders", "returns"]),
        (col("contoso_name").not_in(["orders", "returns"]), ["shipments"]),
        (col("contoso_priority").between(2, 3), ["orders", "returns"]),
        (~(col("contoso_active") == True), ["returns"]),  # noqa: E712
        ((col("contoso_priority") > 1) & (col("contoso_active") == True), ["orders"]),  # noqa: E712
        (col("contoso_endpointid") == ORDERS, ["orders"]),
    ],
    ids="equal differs null not-null contains ends-with in not-in between not and guid".split(),
)
def test_every_kind_of_filter_finds_its_records(client, expression, wanted):
    found = client.query.builder(ENDPOINT).where(expression).order_by("contoso_name").execute()
    assert names(found) == wanted


def test_an_identifier_in_a_filter_may_be_bare_or_quoted(client):
    for identifier in (ORDERS, f"'{ORDERS}'"):
        found = client.records.list(ENDPOINT, filter=f"contoso_endpointid eq {identifier}")
        assert names(found) == ["orders"]


def test_formatted_values_come_with_their_annotations(client):
    [flow] = (
        client.query.builder("workflow")
        .select("name", "category", "statecode")
        .where(col("workflowid") == ORDER_INTAKE)
        .include_formatted_values()
        .execute()
    )
    label = "OData.Community.Display.V1.FormattedValue"
    assert flow[f"category@{label}"] == "Modern Flow"
    assert flow[f"statecode@{label}"] == "Activated"


def test_an_expansion_brings_the_values_of_a_variable(client):
    query = client.query.builder(DEFINITION).select("schemaname", "defaultvalue")
    found = (
        query.expand(ExpandOption(VALUES).select("value", "schemaname"))
        .where(col("schemaname").in_(["contoso_MaxItems", "contoso_UseNewFlow"]))
        .order_by("schemaname")
        .execute()
    )
    assert [definition["schemaname"] for definition in found] == [
        "contoso_MaxItems",
        "contoso_UseNewFlow",
    ]
    assert [[value["value"] for value in one[VALUES]] for one in found] == [["50"], []]


def test_an_expansion_leads_from_a_value_to_its_variable(client):
    found = client.records.list(
        VALUE,
        select=["value"],
        expand=["EnvironmentVariableDefinitionId($select=schemaname)"],
        filter="value eq '50'",
    )
    assert [one["EnvironmentVariableDefinitionId"]["schemaname"] for one in found] == [
        "contoso_MaxItems"
    ]


def test_pages_join_to_the_whole(client):
    client.records.create(ENDPOINT, [{"contoso_name": f"page {n:02}"} for n in range(7)])
    pages = list(
        client.records.list_pages(
            ENDPOINT,
            select=["contoso_name"],
            filter="contoso_name ne 'O''Brien & sons'",
            orderby=["contoso_name asc"],
            page_size=4,
        )
    )
    assert [len(page) for page in pages] == [4, 4, 2]
    together = [name for page in pages for name in names(page)]
    assert together == ["orders", *(f"page {n:02}" for n in range(7)), "returns", "shipments"]


def test_an_upsert_by_alternate_key_creates_and_then_updates(client):
    for priority in (41, 42):
        item = UpsertItem({"contoso_name": "O'Neil"}, {"contoso_priority": priority})
        client.records.upsert(ENDPOINT, [item])
    [found] = client.records.list(ENDPOINT, filter="contoso_name eq 'O''Neil'")
    assert found["contoso_priority"] == 42


def test_a_bulk_upsert_creates_and_updates_in_one_request(client):
    items = [
        UpsertItem({"contoso_name": "orders"}, {"contoso_priority": 20}),
        UpsertItem({"contoso_name": "claims"}, {"contoso_priority": 21}),
    ]
    client.records.upsert(ENDPOINT, items)
    found = client.records.list(
        ENDPOINT, filter="contoso_priority ge 20", orderby=["contoso_priority"]
    )
    assert names(found) == ["orders", "claims"]
    assert found[0]["contoso_endpointid"] == ORDERS
    assert found[0]["contoso_region"] == "emea"


def test_a_lookup_is_bound_when_a_value_is_created(client):
    [variable] = client.records.list(DEFINITION, filter="schemaname eq 'contoso_OrderIntakeUrl'")
    identifier = variable["environmentvariabledefinitionid"]
    client.records.create(
        VALUE,
        {
            "value": "https://example.test/",
            "schemaname": "contoso_OrderIntakeUrl",
            "EnvironmentVariableDefinitionId@odata.bind": f"/environmentvariabledefinitions({identifier})",
        },
    )
    [value] = client.records.list(
        VALUE, filter=f"_environmentvariabledefinitionid_value eq {identifier}"
    )
    assert value["value"] == "https://example.test/"


def test_a_lookup_that_is_bound_by_a_wrong_name_is_refused(client):
    [variable] = client.records.list(DEFINITION, filter="schemaname eq 'contoso_OrderIntakeUrl'")
    bound = f"/environmentvariabledefinitions({variable['environmentvariabledefinitionid']})"
    record = {"value": "x", "environmentvariabledefinitionid@odata.bind": bound}
    with pytest.raises(HttpError) as refused:
        client.records.create(VALUE, record)
    assert refused.value.status_code == 400
    assert "undeclared property 'environmentvariabledefinitionid'" in str(refused.value)


def test_a_batch_answers_each_of_its_operations(client):
    batch = client.batch.new()
    batch.records.create(ENDPOINT, {"contoso_name": "first"})
    batch.records.update(ENDPOINT, ORDERS, {"contoso_notes": "changed\nin a batch"})
    batch.records.retrieve(ENDPOINT, ORDERS, select=["contoso_notes"])
    batch.records.list(
        ENDPOINT, select=["contoso_name"], filter="contoso_priority gt 1", orderby=["contoso_name"]
    )
    batch.records.upsert(ENDPOINT, [UpsertItem({"contoso_name": "second"}, {"contoso_priority": 9})])
    batch.records.delete(ENDPOINT, ORDERS)
    result = batch.execute()
    assert [one.status_code for one in result.responses] == [204, 204, 200, 200, 204, 204]
    assert result.responses[0].entity_id is not None
    assert result.responses[2].data["contoso_notes"] == "changed\nin a batch"
    assert names(result.responses[3].data["value"]) == ["orders", "returns"]
    assert sorted(names(client.records.list(ENDPOINT))) == ["first", "returns", "second", "shipments"]


def test_a_batch_stops_at_its_first_error_unless_told_to_go_on(client):
    def batch():
        batch = client.batch.new()
        batch.records.create(ENDPOINT, {"contoso_name": "orders"})
        batch.records.create(ENDPOINT, {"contoso_name": "late"})
        return batch

    result = batch().execute(continue_on_error=True)
    assert [one.status_code for one in result.responses] == [412, 204]
    assert result.failed[0].error_code == "0x80060892"
    with pytest.raises(HttpError) as stopped:
        batch().execute()
    assert stopped.value.status_code == 412


def test_a_change_set_refers_to_what_it_creates(client):
    batch = client.batch.new()
    with batch.changeset() as change_set:
        changes = change_set.records
        variable = changes.create(
            DEFINITION,
            {"schemaname": "contoso_New", "displayname": "New", "type": 100000000},
        )
        changes.create(
            VALUE,
            {
                "schemaname": "contoso_New",
                "value": "one",
                "EnvironmentVariableDefinitionId@odata.bind": variable,
            },
        )
        changes.update(DEFINITION, variable, {"description": "changed by reference"})
    result = batch.execute()
    assert [one.status_code for one in result.responses] == [204, 204, 204]
    assert [one.content_id for one in result.responses] == ["1", "2", "3"]
    [found] = client.records.list(
        DEFINITION, filter="schemaname eq 'contoso_New'", expand=[f"{VALUES}($select=value)"]
    )
    assert found["environmentvariabledefinitionid"] == result.entity_ids[0]
    assert found["description"] == "changed by reference"
    assert [value["value"] for value in found[VALUES]] == ["one"]


def test_a_failing_change_set_leaves_nothing_behind(client):
    batch = client.batch.new()
    with batch.changeset() as change_set:
        changes = change_set.records
        changes.create(ENDPOINT, {"contoso_name": "half"})
        changes.update(ENDPOINT, ORDERS, {"contoso_priority": 99})
        changes.update(ENDPOINT, ORDERS, {"contoso_region": "x" * 51})
    [failed] = batch.execute().responses
    assert (failed.status_code, failed.error_code) == (400, "0x80044331")
    found = client.records.list(ENDPOINT, orderby=["contoso_name"])
    assert names(found) == ["orders", "returns", "shipments"]
    assert found[0]["contoso_priority"] == 2


def test_a_failing_change_set_does_not_undo_what_stands_before_it(client):
    batch = client.batch.new()
    batch.records.create(ENDPOINT, {"contoso_name": "before"})
    with batch.changeset() as change_set:
        changes = change_set.records
        changes.create(ENDPOINT, {"contoso_name": "inside"})
        changes.create(ENDPOINT, {"contoso_name": "orders"})
    batch.records.create(ENDPOINT, {"contoso_name": "after"})
    result = batch.execute(continue_on_error=True)
    assert [one.status_code for one in result.responses] == [204, 412, 204]
    assert sorted(names(client.records.list(ENDPOINT))) == [
        "after",
        "before",
        "orders",
        "returns",
        "shipments",
    ]


def test_descriptions_of_tables_and_columns_are_read(client):
    table = client.tables.get(ENDPOINT)
    assert (table["entity_set_name"], table["table_logical_name"]) == ("contoso_endpoints", ENDPOINT)
    columns = client.tables.list_columns(
        ENDPOINT, select=["LogicalName", "AttributeType"], filter="LogicalName eq 'contoso_url'"
    )
    assert [column["AttributeType"] for column in columns] == ["String"]
    [key] = client.tables.get_alternate_keys(ENDPOINT)
    assert key.key_attributes == ["contoso_name"]
