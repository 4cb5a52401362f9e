"""What plain `curl` gets from each kind of callback URL, in every state.

The wanted statuses and codes are those that callers of the real service report (docs/sandbox.md). The
addresses are called verbatim, with their host, port and TLS; only the connection leads to the sandbox.
"""

import pytest
from curl import Curl
from sandbox import (
    ADDRESS_HOST,
    FLOW_SCOPE,
    ORDER_INTAKE,
    PARTNER_WEBHOOK,
    SHIPMENT_TRACKING,
    tenant_file,
)

APPLICATION = {
    "client_id": "00000000-0000-4000-8000-0000000a9990",
    "client_secret": "made-up-for-the-sandbox",
}
AUTHENTICATED = [(ORDER_INTAKE, "manual"), (SHIPMENT_TRACKING, "When_a_HTTP_request_is_received")]
KINDS = pytest.mark.parametrize(("flow", "trigger"), AUTHENTICATED, ids=["tenant", "user"])
OTHER_USERS = "11111111-2222-4333-8444-555555555555"
UNKNOWN = "0" * 32


@pytest.fixture
def curl(start):
    """A caller of a sandbox that also answers under the host of callback URLs."""
    return Curl(start(hosts=[ADDRESS_HOST]))


def answered(answer, status, code):
    assert (answer.status, answer.code) == (status, code), answer


@KINDS
def test_an_authenticated_address_takes_a_token_for_its_audience(curl, flow, trigger):
    token = curl.token(FLOW_SCOPE)
    callback = curl.callback(flow, token, trigger)
    assert callback["queries"] == {"api-version": "1"} and "sig=" not in callback["value"]
    assert callback["value"].startswith(f"https://{ADDRESS_HOST}:443/powerautomate/")
    answer = curl("POST", callback["value"], token=token)
    assert (answer.status, answer.body, len(answer.run)) == (202, "", 32)


@KINDS
def test_an_authenticated_address_wants_a_token(curl, flow, trigger):
    value = curl.callback(flow, curl.token(FLOW_SCOPE), trigger)["value"]
    answer = curl("POST", value)
    answered(answer, 401, "DirectApiAuthorizationRequired")
    assert answer.message == "The OAuth authorization scheme is required."
    answered(curl("POST", value, token="not-a-token"), 401, "DirectApiAuthorizationRequired")


@KINDS
@pytest.mark.parametrize(
    "scope",
    [
        "https://service.flow.microsoft.com/.default",
        "https://management.azure.com//.default",
        "https://api.powerplatform.com/.default",
        "https://localhost:{port}/.default",
    ],
    ids=["without its slash", "management", "power platform", "organisation"],
)
def test_an_authenticated_address_refuses_another_audience(curl, flow, trigger, scope):
    value = curl.callback(flow, curl.token(FLOW_SCOPE), trigger)["value"]
    other = curl.token(scope.format(port=curl.sandbox.port))
    answered(curl("POST", value, token=other), 403, "MisMatchingOAuthClaims")


@KINDS
def test_an_authenticated_address_refuses_a_signature(curl, flow, trigger):
    token = curl.token(FLOW_SCOPE)
    value = curl.callback(flow, token, trigger)["value"]
    signed = f"{value}&sp=%2Ftriggers%2F{trigger}%2Frun&sv=1.0&sig={'A' * 43}"
    answered(curl("POST", signed), 401, "DirectApiInvalidAuthorizationScheme")
    both = curl("POST", signed, token=token)
    answered(both, 401, "DirectApiRequestHasMoreThanOneAuthorization")


@KINDS
def test_an_authenticated_address_checks_the_token_before_the_method(curl, flow, trigger):
    token = curl.token(FLOW_SCOPE)
    value = curl.callback(flow, token, trigger)["value"]
    answered(curl("GET", value), 401, "DirectApiAuthorizationRequired")
    wrong = curl("GET", value, token=token)
    answered(wrong, 400, "TriggerRequestMethodNotValid")
    assert wrong.message.endswith("expected 'POST' and actual 'GET'.")


def test_a_user_address_refuses_who_is_not_listed(start, tmp_path):
    listed = 'authentication = "User"\n', f'authentication = "User"\nallowed-users = "{OTHER_USERS}"\n'
    curl = Curl(start(hosts=[ADDRESS_HOST], tenant=tenant_file(tmp_path, listed)))
    token = curl.token(FLOW_SCOPE)
    [(flow, trigger)] = [kind for kind in AUTHENTICATED if kind[0] == SHIPMENT_TRACKING]
    value = curl.callback(flow, token, trigger)["value"]
    answered(curl("POST", value, token=token), 403, "MisMatchingOAuthClaims")


def test_a_tenant_address_takes_an_application_too(curl):
    value = curl.callback(ORDER_INTAKE, curl.token(FLOW_SCOPE))["value"]
    itself = curl.token(FLOW_SCOPE, **APPLICATION)
    assert curl("POST", value, token=itself).status == 202


def test_a_signed_address_takes_its_signature(curl):
    callback = curl.callback(PARTNER_WEBHOOK, curl.token(FLOW_SCOPE))
    assert set(callback["queries"]) == {"api-version", "sp", "sv", "sig"}
    assert len(callback["queries"]["sig"]) == 43
    answer = curl("POST", callback["value"], "--json", '{"order": 7}')
    assert (answer.status, answer.body, len(answer.run)) == (202, "", 32)


def test_a_signed_address_wants_its_signature(curl):
    token = curl.token(FLOW_SCOPE)
    bare = curl.callback(PARTNER_WEBHOOK, token)["value"].partition("&sp=")[0]
    answer = curl("POST", bare)
    answered(answer, 401, "DirectApiAuthorizationRequired")
    assert "Shared Access" in answer.message
    answered(curl("POST", bare, token=token), 401, "OAuthAccessPolicyNotFound")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("&sig=", "&sig=A"), ("&sv=1.0", "&sv=2.0"), ("manual%2Frun", "manual%2Fread")],
    ids=["signature", "version", "permission"],
)
def test_a_signed_address_refuses_a_wrong_signature(curl, right, wrong):
    value = curl.callback(PARTNER_WEBHOOK, curl.token(FLOW_SCOPE))["value"]
    assert right in value
    answer = curl("POST", value.replace(right, wrong))
    answered(answer, 401, "DirectApiInvalidAuthorizationSignature")


def test_a_signed_address_refuses_a_token_beside_its_signature(curl):
    token = curl.token(FLOW_SCOPE)
    value = curl.callback(PARTNER_WEBHOOK, token)["value"]
    answered(curl("POST", value, token=token), 401, "DirectApiRequestHasMoreThanOneAuthorization")


def test_a_signed_address_checks_the_signature_before_the_method(curl):
    value = curl.callback(PARTNER_WEBHOOK, curl.token(FLOW_SCOPE))["value"]
    answered(curl("GET", value), 400, "TriggerRequestMethodNotValid")
    forged = value.replace("&sig=", "&sig=A")
    answered(curl("GET", forged), 401, "DirectApiInvalidAuthorizationSignature")


@pytest.mark.parametrize(
    ("flow", "trigger"), [*AUTHENTICATED, (PARTNER_WEBHOOK, "manual")], ids=["tenant", "user", "signed"]
)
def test_an_address_of_a_flow_that_is_off_says_so_to_everybody(curl, flow, trigger):
    token = curl.token(FLOW_SCOPE)
    value = curl.callback(flow, token, trigger)["value"]
    organisation = curl.token(f"{curl.sandbox.url}/.default")
    assert curl.switch_off(flow, organisation).status == 204
    for caller in (None, token):
        answer = curl("POST", value, token=caller)
        answered(answer, 400, "WorkflowTriggerIsNotEnabled")
        assert f"trigger '{trigger}' with state 'Disabled': trigger is not enabled." in answer.message


def test_an_address_of_no_flow_is_not_found(curl):
    token = curl.token(FLOW_SCOPE)
    value = curl.callback(ORDER_INTAKE, token)["value"]
    before, _, after = value.partition("/workflows/")
    unknown = f"{before}/workflows/{UNKNOWN}/{after.partition('/')[2]}"
    answered(curl("POST", unknown, token=token), 404, "WorkflowNotFound")
    answered(curl("POST", unknown), 404, "WorkflowNotFound")


def test_an_address_with_a_slash_at_its_end_leads_to_the_same_flow(curl):
    token = curl.token(FLOW_SCOPE)
    value = curl.callback(ORDER_INTAKE, token)["value"].replace("invoke?", "invoke/?")
    assert curl("POST", value, token=token).status == 202


@pytest.mark.parametrize("address", ["direct", "direct-unit", "classic"])
def test_each_generation_of_addresses_leads_to_its_flow(start, tmp_path, address):
    order = 'name = "Partner webhook"\n'
    tenant = tenant_file(tmp_path, (order, f'{order}address = "{address}"\n'))
    curl = Curl(start(hosts=[ADDRESS_HOST, "*.westeurope.logic.azure.com"], tenant=tenant))
    value = curl.callback(PARTNER_WEBHOOK, curl.token(FLOW_SCOPE))["value"]
    assert ("logic.azure.com" in value) == (address == "classic")
    assert ("/cu/" in value) == (address == "direct-unit")
    assert curl("POST", value).status == 202
