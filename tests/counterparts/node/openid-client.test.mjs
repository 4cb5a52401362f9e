// openid-client on the sandbox: a certified client that holds every answer against the discovery document, and checks
// the signature of each id token with the published key.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as client from "openid-client";
import { CLIENT, FLOW_SCOPE, TENANT, sandbox } from "./lib/sandbox.mjs";

const CONFIDENTIAL = "00000000-0000-4000-8000-0000000a9990";
const SECRET = "made-up-for-the-sandbox";
const REDIRECT = "http://localhost:49152/";

/// Reads the discovery document of a sandbox over plain http, and insists on signatures.
async function discovered({ origin }, id = CLIENT, proof = client.None()) {
  const options = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] };
  return client.discovery(new URL(`${origin}/${TENANT}/v2.0`), id, undefined, proof, options);
}

describe("openid-client signs in", { concurrency: true }, () => {
  it("with a code on any device, and believes the id token", async (test) => {
    const tenant = await sandbox(test);
    const config = await discovered(tenant);
    const scope = `${tenant.origin}/.default openid profile offline_access`;
    const code = await client.initiateDeviceAuthorization(config, { scope });
    const tokens = await client.pollDeviceAuthorizationGrant(config, code);
    assert.equal(tokens.claims().preferred_username, "sandy@contoso.example");
    const second = await client.refreshTokenGrant(config, tokens.refresh_token, { scope: FLOW_SCOPE });
    assert.equal(second.token_type, "bearer");
    const claims = JSON.parse(Buffer.from(second.access_token.split(".")[1], "base64url"));
    assert.equal(claims.aud, "https://service.flow.microsoft.com/");
  });

  for (const mode of ["query", "fragment", "form_post"]) {
    it(`in a browser whose answer comes by ${mode}`, async (test) => {
      const tenant = await sandbox(test);
      const config = await discovered(tenant);
      const verifier = client.randomPKCECodeVerifier();
      const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
      const address = client.buildAuthorizationUrl(config, {
        redirect_uri: REDIRECT,
        response_mode: mode,
        scope: `${tenant.origin}/.default openid`,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        state: expectedState,
        nonce: expectedNonce,
      });
      const checks = { pkceCodeVerifier: verifier, expectedState, expectedNonce };
      const answer = await fetch(address, { redirect: "manual" });
      const tokens = await client.authorizationCodeGrant(config, await came(answer, mode), checks);
      assert.equal(tokens.claims().nonce, expectedNonce);
    });
  }

  it("as an application, by its secret in the body and by HTTP Basic", async (test) => {
    const tenant = await sandbox(test);
    for (const proof of [client.ClientSecretPost(SECRET), client.ClientSecretBasic(SECRET)]) {
      const config = await discovered(tenant, CONFIDENTIAL, proof);
      const tokens = await client.clientCredentialsGrant(config, { scope: FLOW_SCOPE });
      assert.ok(tokens.access_token);
    }
    const config = await discovered(tenant, CONFIDENTIAL, client.ClientSecretBasic("another"));
    const refused = client.clientCredentialsGrant(config, { scope: FLOW_SCOPE });
    await assert.rejects(refused, (error) => error.error === "invalid_client" && error.status === 401);
  });
});

/// What the application gets: an address, or the request that the browser's form makes.
async function came(answer, mode) {
  if (mode !== "form_post") {
    const address = new URL(answer.headers.get("location"));
    if (mode === "fragment") address.search = address.hash.slice(1);
    address.hash = "";
    return address;
  }
  const page = await answer.text();
  const inputs = page.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g);
  const body = new URLSearchParams([...inputs].map(([, name, value]) => [name, value]));
  return new Request(REDIRECT, { method: "POST", body });
}
