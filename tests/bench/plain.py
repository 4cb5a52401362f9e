"""What somebody would write without flowbind: Microsoft's Dataverse SDK for Python, msal and requests, in a loop.

    plain.py login MANIFEST URL CACHE     signs in with a device code, and keeps the token cache
    plain.py apply MANIFEST URL CACHE     writes the callback URL of every flow into its variables
    plain.py reset MANIFEST URL CACHE     removes the values again

TENANT and ENVIRONMENT name the tenant and the environment by their ids.
"""

import json
import os
import pathlib
import sys
import tomllib

import msal
import requests
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient

DEFINITION = "environmentvariabledefinition"
VALUE = "environmentvariablevalue"
VALUES = "environmentvariabledefinition_environmentvariablevalue"
FLOW_SCOPE = "https://service.flow.microsoft.com//.default"


class Credential:
    """Tokens out of msal's cache, as the SDK asks for them."""

    def __init__(self, authority, client_id, path):
        self.path = pathlib.Path(path)
        self.cache = msal.SerializableTokenCache()
        if self.path.exists():
            self.cache.deserialize(self.path.read_text())
        self.application = msal.PublicClientApplication(
            client_id, authority=authority, token_cache=self.cache, instance_discovery=False
        )

    def login(self, scope):
        flow = self.application.initiate_device_flow([scope])
        print(flow["message"], file=sys.stderr)
        self.application.acquire_token_by_device_flow(flow)
        self.path.write_text(self.cache.serialize())

    def get_token(self, *scopes, **_):
        [account] = self.application.get_accounts()
        token = self.application.acquire_token_silent(list(scopes), account)
        return AccessToken(token["access_token"], token["expires_in"])


def trigger(clientdata):
    """The key of the flow's HTTP trigger."""
    triggers = json.loads(clientdata)["properties"]["definition"]["triggers"]
    [name] = [name for name, body in triggers.items() if body["type"] == "Request"]
    return name


def callback_url(session, url, workflow, credential):
    environment = os.environ["ENVIRONMENT"]
    flows = f"{url}/providers/Microsoft.ProcessSimple/environments/{environment}/flows"
    answer = session.post(
        f"{flows}/{workflow['resourceid']}/triggers/{trigger(workflow['clientdata'])}/listCallbackUrl",
        params={"api-version": "2016-11-01"},
        headers={"Authorization": f"Bearer {credential.get_token(FLOW_SCOPE).token}"},
    )
    answer.raise_for_status()
    return answer.json()["response"]["value"]


def write(client, name, value):
    """Sets a variable: its value row is changed, or made where there is none."""
    [definition] = client.records.list(DEFINITION, filter=f"schemaname eq '{name}'", expand=[VALUES])
    rows = definition[VALUES]
    if rows and rows[0]["value"] != value:
        client.records.update(VALUE, rows[0]["environmentvariablevalueid"], {"value": value})
    if not rows:
        bind = f"/environmentvariabledefinitions({definition['environmentvariabledefinitionid']})"
        row = {"value": value, "EnvironmentVariableDefinitionId@odata.bind": bind}
        client.records.create(VALUE, row)


def apply(client, manifest, url, credential):
    with requests.Session() as session:
        for flow in manifest["flow"]:
            columns = ["resourceid", "clientdata"]
            workflow = client.records.retrieve("workflow", flow["workflow-id"], select=columns)
            value = callback_url(session, url, workflow, credential)
            for target in flow["target"]:
                write(client, target["environment-variable"], value)


def reset(client):
    for row in client.records.list(VALUE, select=["environmentvariablevalueid"]):
        client.records.delete(VALUE, row["environmentvariablevalueid"])


def main():
    command, path, url, cache = sys.argv[1:]
    manifest = tomllib.loads(pathlib.Path(path).read_text())
    client_id = manifest["environments"]["sandbox"]["client-id"]
    credential = Credential(f"{url}/{os.environ['TENANT']}", client_id, cache)
    if command == "login":
        credential.login(f"{url}/.default")
        credential.get_token(FLOW_SCOPE)
        credential.path.write_text(credential.cache.serialize())
        return
    with DataverseClient(url, credential) as client:
        if command == "apply":
            apply(client, manifest, url, credential)
        else:
            reset(client)


main()
