"""Programs with the real host names and port 443 wired in, without any setting for a sandbox."""

import msal
import requests
from azure.identity import DeviceCodeCredential
from PowerPlatform.Dataverse.client import DataverseClient
from sandbox import (
    AUTHORITY_HOST,
    CLIENT,
    ENVIRONMENT,
    FLOW_HOST,
    FLOW_SCOPE,
    ORDER_INTAKE,
    ORGANIZATION_HOST,
    OTHER_AUTHORITY_HOST,
    TENANT,
)

ORGANIZATION = f"https://{ORGANIZATION_HOST}"


def test_msal_signs_in_at_the_authority_that_it_knows(wired):
    app = msal.PublicClientApplication(CLIENT, authority=f"https://{AUTHORITY_HOST}/{TENANT}")
    flow = app.initiate_device_flow(scopes=[f"{ORGANIZATION}/.default"])
    assert flow["verification_uri"] == f"https://{AUTHORITY_HOST}/devicelogin"
    assert "access_token" in app.acquire_token_by_device_flow(flow)
    [account] = app.get_accounts()
    assert account["environment"] == AUTHORITY_HOST
    token = app.acquire_token_silent([FLOW_SCOPE], account)["access_token"]
    flows = f"https://{FLOW_HOST}/providers/Microsoft.ProcessSimple/environments/{ENVIRONMENT}/flows"
    answer = requests.post(
        f"{flows}/{ORDER_INTAKE}/triggers/manual/listCallbackUrl?api-version=2016-11-01",
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert answer.json()["response"]["method"] == "POST"


def test_msal_signs_in_again_under_another_name_of_its_authority(wired):
    """The account of one name is found again under another: the library asks for the aliases."""
    kept = msal.TokenCache()
    first = msal.PublicClientApplication(
        CLIENT, authority=f"https://{AUTHORITY_HOST}/organizations", token_cache=kept
    )
    flow = first.initiate_device_flow(scopes=[f"{ORGANIZATION}/.default"])
    assert "access_token" in first.acquire_token_by_device_flow(flow)
    second = msal.PublicClientApplication(
        CLIENT, authority=f"https://{OTHER_AUTHORITY_HOST}/{TENANT}", token_cache=kept
    )
    [account] = second.get_accounts()
    assert "access_token" in second.acquire_token_silent([f"{ORGANIZATION}/.default"], account)


def test_the_sdk_works_on_the_organisation_by_its_name(wired):
    credential = DeviceCodeCredential(
        client_id=CLIENT, tenant_id=TENANT, prompt_callback=lambda *prompt: None
    )
    with DataverseClient(ORGANIZATION, credential) as client:
        new = client.records.create("contoso_endpoint", [{"contoso_name": f"n{n}"} for n in range(4)])
        pages = list(client.records.list_pages("contoso_endpoint", page_size=5))
        assert [len(page) for page in pages] == [5, 2]
        batch = client.batch.new()
        batch.records.delete("contoso_endpoint", new[0])
        [answer] = batch.execute().responses
        assert answer.status_code == 204
        assert client.records.retrieve("contoso_endpoint", new[0]) is None
