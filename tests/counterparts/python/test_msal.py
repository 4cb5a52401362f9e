"""MSAL for Python signs in at the sandbox: device code, its cache, and a second resource."""

import json
import time

import msal
import pytest
import requests
from sandbox import CLIENT, DOMAIN, FLOW_SCOPE, TENANT, tenant_file

FLOW_AUDIENCE = "https://service.flow.microsoft.com/"
REFUSAL = "[[refresh-refusal]]\nresource = \"flow\"\nreason = \"{}\""


def application(sandbox, authority=TENANT, cache=None):
    """The library as a program would set it up for an authority that Microsoft does not list."""
    return msal.PublicClientApplication(
        CLIENT,
        authority=f"{sandbox.url}/{authority}",
        instance_discovery=False,
        token_cache=cache,
    )


def begin(app, scope):
    flow = app.initiate_device_flow(scopes=[scope])
    assert "user_code" in flow, flow
    return flow


def sign_in(app, scope):
    result = app.acquire_token_by_device_flow(begin(app, scope))
    assert "access_token" in result, result
    return result


def dataverse(sandbox):
    return f"{sandbox.url}/.default"


def who_am_i(sandbox, token):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{sandbox.url}/api/data/v9.2/WhoAmI()", headers=headers, timeout=10)


def decide(sandbox, flow, decision):
    """What the person does at the page that the prompt names."""
    form = {"user_code": flow["user_code"], "decision": decision}
    requests.post(flow["verification_uri"], data=form, timeout=10).raise_for_status()


def test_the_prompt_is_the_sandboxs_own(sandbox):
    flow = begin(application(sandbox), dataverse(sandbox))
    assert flow["verification_uri"] == f"{sandbox.url}/devicelogin"
    assert flow["user_code"] in flow["message"]
    assert (flow["interval"], flow["expires_in"]) == (1, 900)


def test_a_device_login_gives_a_token_that_the_organisation_takes(sandbox):
    result = sign_in(application(sandbox), dataverse(sandbox))
    assert result["token_type"] == "Bearer" and result["expires_in"] >= 3599
    assert dataverse(sandbox) in result["scope"].split()
    assert who_am_i(sandbox, result["access_token"]).status_code == 200


def test_the_account_comes_from_the_id_token(sandbox):
    app = application(sandbox)
    claims = sign_in(app, dataverse(sandbox))["id_token_claims"]
    assert claims["preferred_username"] == "sandy@contoso.example"
    assert (claims["tid"], claims["aud"]) == (TENANT, CLIENT)
    [account] = app.get_accounts()
    assert account["username"] == "sandy@contoso.example"
    assert account["home_account_id"] == f"{claims['oid']}.{TENANT}"


def test_the_second_token_comes_from_the_cache(sandbox):
    app = application(sandbox)
    first = sign_in(app, dataverse(sandbox))
    [account] = app.get_accounts()
    second = app.acquire_token_silent([dataverse(sandbox)], account)
    assert second["token_source"] == "cache"
    assert second["access_token"] == first["access_token"]


def test_a_refresh_gives_another_token(sandbox):
    app = application(sandbox)
    first = sign_in(app, dataverse(sandbox))
    [account] = app.get_accounts()
    second = app.acquire_token_silent([dataverse(sandbox)], account, force_refresh=True)
    assert second["token_source"] == "identity_provider"
    assert second["access_token"] != first["access_token"]
    assert who_am_i(sandbox, second["access_token"]).status_code == 200


def test_one_refresh_token_serves_a_second_resource(sandbox):
    app = application(sandbox)
    sign_in(app, dataverse(sandbox))
    [account] = app.get_accounts()
    result = app.acquire_token_silent_with_error([FLOW_SCOPE], account)
    assert audience(result["access_token"]) == FLOW_AUDIENCE
    assert FLOW_SCOPE in result["scope"].split()
    headers = {"Authorization": f"Bearer {result['access_token']}"}
    environments = f"{sandbox.url}/providers/Microsoft.ProcessSimple/environments"
    url = f"{environments}?api-version=2016-11-01"
    assert requests.get(url, headers=headers, timeout=10).status_code == 200
    assert who_am_i(sandbox, result["access_token"]).status_code == 401
    again = app.acquire_token_silent([FLOW_SCOPE], account)
    assert again["token_source"] == "cache"


def audience(token):
    import jwt

    return jwt.decode(token, options={"verify_signature": False})["aud"]


def test_a_cache_on_disk_serves_the_next_process(sandbox):
    kept = msal.SerializableTokenCache()
    sign_in(application(sandbox, cache=kept), dataverse(sandbox))
    read = msal.SerializableTokenCache()
    read.deserialize(kept.serialize())
    app = application(sandbox, cache=read)
    [account] = app.get_accounts()
    assert "access_token" in app.acquire_token_silent([FLOW_SCOPE], account)


@pytest.mark.parametrize("authority", [TENANT, DOMAIN, "organizations"])
def test_each_name_of_the_directory_is_an_authority(sandbox, authority):
    app = application(sandbox, authority)
    result = sign_in(app, dataverse(sandbox))
    [account] = app.get_accounts()
    assert account["home_account_id"].endswith(TENANT)
    assert app.acquire_token_silent([FLOW_SCOPE], account)["token_type"] == result["token_type"]


def test_an_unknown_directory_is_refused_at_its_description(sandbox):
    with pytest.raises(ValueError, match="double check your tenant name"):
        application(sandbox, "nobody.example")


def test_an_authority_known_by_its_description_alone_serves(sandbox):
    app = msal.PublicClientApplication(CLIENT, oidc_authority=f"{sandbox.authority}/v2.0")
    result = sign_in(app, dataverse(sandbox))
    assert who_am_i(sandbox, result["access_token"]).status_code == 200
    [account] = app.get_accounts()
    assert "access_token" in app.acquire_token_silent([FLOW_SCOPE], account)


def test_an_authority_that_is_not_known_is_asked_about(sandbox):
    """The instance discovery of the library, which it makes before it trusts a host."""
    app = msal.PublicClientApplication(
        CLIENT,
        authority=sandbox.authority,
        instance_discovery=f"{sandbox.url}/common/discovery/instance",
    )
    sign_in(app, dataverse(sandbox))
    [account] = app.get_accounts()
    assert app.acquire_token_silent([dataverse(sandbox)], account)["token_source"] == "cache"


def test_a_login_that_waits_is_pending(start):
    app = application(start(approve_after=None))
    flow = begin(app, FLOW_SCOPE)
    result = app.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True)
    assert (result["error"], result["error_codes"]) == ("authorization_pending", [70016])
    assert result["error_description"].startswith("AADSTS70016: ")


def test_a_login_that_a_person_approves_succeeds(start):
    sandbox = start(approve_after=None)
    app = application(sandbox)
    flow = begin(app, FLOW_SCOPE)
    decide(sandbox, flow, "approve")
    assert "access_token" in app.acquire_token_by_device_flow(flow)


def test_a_login_that_a_person_declines_is_declined(start):
    sandbox = start(approve_after=None)
    app = application(sandbox)
    flow = begin(app, FLOW_SCOPE)
    decide(sandbox, flow, "decline")
    result = app.acquire_token_by_device_flow(flow)
    assert result["error"] == "authorization_declined"


def test_a_login_that_nobody_answers_expires(start, tmp_path):
    tenant = tenant_file(tmp_path, ("expires-in = 900", "expires-in = 1"))
    app = application(start(approve_after=None, tenant=tenant))
    flow = begin(app, FLOW_SCOPE)
    flow["expires_at"] = time.time() + 30  # The library would stop by itself; the server shall say it.
    result = app.acquire_token_by_device_flow(flow)
    assert (result["error"], result["error_codes"]) == ("expired_token", [70020])


def test_a_device_code_serves_once(sandbox):
    app = application(sandbox)
    flow = begin(app, FLOW_SCOPE)
    assert "access_token" in app.acquire_token_by_device_flow(flow)
    assert "error" in app.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True)


def test_polling_too_fast_slows_the_library_down(start, tmp_path):
    tenant = tenant_file(tmp_path, (None, '[switches.entra]\nslow-polling = "slow-down"'))
    sandbox = start(approve_after=None, tenant=tenant)
    app = application(sandbox)
    flow = begin(app, FLOW_SCOPE)
    once = {"exit_condition": lambda flow: True}
    assert app.acquire_token_by_device_flow(flow, **once)["error"] == "authorization_pending"
    assert app.acquire_token_by_device_flow(flow, **once)["error"] == "slow_down"


@pytest.mark.parametrize(
    ("reason", "classification", "suberror"),
    [
        ("consent-required", "consent_required", "consent_required"),
        ("blocked", "message_only", "message_only"),
        ("second-factor", "basic_action", "basic_action"),
    ],
)
def test_a_refusal_of_the_second_resource_is_classified(
    start, tmp_path, reason, classification, suberror
):
    tenant = tenant_file(tmp_path, (None, REFUSAL.format(reason)))
    sandbox = start(tenant=tenant)
    app = application(sandbox)
    sign_in(app, dataverse(sandbox))
    [account] = app.get_accounts()
    result = app.acquire_token_silent_with_error([FLOW_SCOPE], account)
    assert (result["error"], result["suberror"]) == ("invalid_grant", suberror)
    assert result["classification"] == classification
    if reason == "blocked":
        assert "capolids" in json.loads(result["claims"])["access_token"]


def test_a_revoked_refresh_token_is_reported_as_bad(start, tmp_path):
    tenant = tenant_file(tmp_path, (None, REFUSAL.format("revoked")))
    sandbox = start(tenant=tenant)
    app = application(sandbox)
    sign_in(app, dataverse(sandbox))
    [account] = app.get_accounts()
    result = app.acquire_token_silent_with_error([FLOW_SCOPE], account)
    assert (result["error"], result["suberror"]) == ("invalid_grant", "bad_token")
    assert result["error_codes"] == [50173]


def test_an_application_signs_in_as_itself_and_the_flow_service_refuses_it(sandbox):
    app = msal.ConfidentialClientApplication(
        "00000000-0000-4000-8000-0000000a9990",
        client_credential="made-up-for-the-sandbox",
        authority=sandbox.authority,
        instance_discovery=False,
    )
    result = app.acquire_token_for_client([FLOW_SCOPE])
    headers = {"Authorization": f"Bearer {result['access_token']}"}
    url = f"{sandbox.url}/providers/Microsoft.ProcessSimple/environments?api-version=2016-11-01"
    refused = requests.get(url, headers=headers, timeout=10)
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "ClientScopeAuthorizationFailed"


def test_an_unknown_application_is_refused(sandbox):
    app = msal.PublicClientApplication(
        "00000000-0000-4000-8000-00000000dead",
        authority=sandbox.authority,
        instance_discovery=False,
    )
    result = app.initiate_device_flow(scopes=[FLOW_SCOPE])
    assert (result["error"], result["error_codes"]) == ("unauthorized_client", [700016])
