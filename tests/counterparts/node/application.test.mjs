// An application of its own for Dataverse, at oidc-provider: it proves who it is by a secret, by a certificate, or by a
// token that somebody else signed, while the person's sign-in serves the Flow API.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { browser, page as opened } from "./lib/browser.mjs";
import { flowbind, manifestWith, plan } from "./lib/flowbind.mjs";
import { front } from "./lib/front.mjs";
import { APPLICATION, approve, oidcProvider } from "./lib/oidc-provider.mjs";
import { folder, shared } from "./lib/process.mjs";
import { sandbox } from "./lib/sandbox.mjs";

/// The applications that read and write in Dataverse, by their proof.
const BY_SECRET = "00000000-0000-4000-8000-0000000c0d01";
const BY_CERTIFICATE = "00000000-0000-4000-8000-0000000c0d02";
const BY_FILE = "00000000-0000-4000-8000-0000000c0d03";

/// With what goes wrong in a form, a URL and base64 at once.
const SECRET = "made~up+for/the=test&no%more";

const ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A certificate with its key, as an administrator makes it; the key is protected by nothing but the file's mode.
function certificate(place, name) {
  const [key, public_] = ["key", "certificate"].map((what) => join(place, `${name}.${what}.pem`));
  const subject = ["-subj", "/CN=flowbind", "-days", "1"];
  const wanted = ["-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", public_, ...subject];
  execFileSync("openssl", ["req", ...wanted], { stdio: ["ignore", "ignore", "pipe"] });
  const pem = readFileSync(public_, "utf8") + readFileSync(key, "utf8");
  return { pem, public: new X509Certificate(readFileSync(public_)) };
}

/// A token of somebody who signs for others.
function signedToken(key, claims) {
  const now = Math.floor(Date.now() / 1000);
  const payload = { sub: BY_FILE, iss: BY_FILE, iat: now, exp: now + 300, jti: randomUUID(), ...claims };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ typ: "JWT", alg: "RS256" })}.${part(payload)}`;
  return `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
}

describe("an application of its own writes in Dataverse", { concurrency: true }, () => {
  const suite = shared();
  const pipeline = generateKeyPairSync("rsa", { modulusLength: 2048 });
  let known;
  let other;
  let provider;
  let address;
  let seen;
  let store;
  before(async () => {
    const place = folder(suite);
    [known, other] = ["known", "other"].map((name) => certificate(place, name));
    const clients = registered(known.public.publicKey, pipeline.publicKey);
    const tenant = await sandbox(suite);
    provider = await oidcProvider(suite, { clients });
    ({ address, seen } = await front(suite, tenant.origin, provider));
    // The person signs in once, for all tests.
    store = ["--token-store", `plain:${join(place, "sign-ins")}`];
    const login = flowbind(suite, ["auth", "login", "-e", address, "--client-id", APPLICATION, ...store]);
    await approve(await opened(suite, await browser(suite)), await login.prompt());
    const { code, stderr } = await login.ended;
    assert.equal(code, 0, stderr);
    // What a login asks for is the person's, whatever comes of it.
    seen.clients.dataverse.clear();
  });

  /// Plans as that application, for the environment of the manifest that has this address.
  function planned(test, identity, env) {
    const manifest = manifestWith(test, address, identity);
    return plan(test, address, APPLICATION, ["--non-interactive", ...store], { manifest, env }).ended;
  }

  /// What that application asked, and what of it was granted.
  const asked = (client) => seen.tokens.filter(({ fields }) => fields.client_id === client);
  const granted = (client) => asked(client).filter(({ status }) => status === 200);

  /// A run that succeeded, with the application's tokens for Dataverse and the person's for the Flow API.
  function succeeded({ code, stdout, stderr }, client) {
    assert.equal(code, 0, stderr);
    assert.ok(stdout.includes("contoso_OrderIntakeUrl"));
    assert.ok(seen.clients.dataverse.has(client));
    assert.ok(!seen.clients.dataverse.has(APPLICATION), "the person's token does not reach Dataverse");
    assert.deepEqual([...seen.clients.flow], [APPLICATION], "no other token reaches the Flow API");
    assert.ok(granted(client).length > 0);
    for (const { fields, resource, body } of granted(client)) {
      assert.deepEqual([fields.grant_type, resource], ["client_credentials", "dataverse"]);
      assert.equal(fields.scope, `${address}/.default`);
      assert.ok(!("refresh_token" in body));
    }
  }

  /// A run that was refused, before anything was asked of Dataverse.
  function refused({ code, stdout, stderr }, secret) {
    assert.equal(code, 4, `${stdout}${stderr}`);
    assert.ok(!`${stdout}${stderr}`.includes(secret), "no secret is told");
    return JSON.parse(stdout).error.message;
  }

  it("which shows its secret, in the body", async (test) => {
    const identity = { "client-id": BY_SECRET, "client-secret-variable": "APPLICATION_SECRET" };
    succeeded(await planned(test, identity, { APPLICATION_SECRET: SECRET }), BY_SECRET);
    assert.equal(granted(BY_SECRET)[0].fields.client_secret, SECRET);
    const message = refused(await planned(test, identity, { APPLICATION_SECRET: `${SECRET}x` }), SECRET);
    assert.match(message, /client authentication failed/);
    assert.equal(asked(BY_SECRET).at(-1).body.error, "invalid_client");
  });

  it("which proves that it has a certificate's key, by PS256", async (test) => {
    const identity = { "client-id": BY_CERTIFICATE, "certificate-variable": "APPLICATION_CERTIFICATE" };
    succeeded(await planned(test, identity, { APPLICATION_CERTIFICATE: known.pem }), BY_CERTIFICATE);
    const whole = join(folder(test), "certificate.pem");
    writeFileSync(whole, known.pem, { mode: 0o600 });
    succeeded(await planned(test, identity, { APPLICATION_CERTIFICATE: whole }), BY_CERTIFICATE);
    const [first, second] = granted(BY_CERTIFICATE).map(({ fields }) => fields);
    assert.equal(first.client_assertion_type, ASSERTION);
    assert.ok(!("client_secret" in first));
    const header = JSON.parse(Buffer.from(first.client_assertion.split(".")[0], "base64url"));
    const thumbprint = Buffer.from(known.public.fingerprint256.replaceAll(":", ""), "hex").toString("base64url");
    assert.deepEqual([header.alg, header["x5t#S256"]], ["PS256", thumbprint]);
    assert.notEqual(first.client_assertion, second.client_assertion, "each is used once");
    const again = await provider.token(first, "dataverse", new URL(address).host);
    assert.equal(again.body.error, "invalid_client", "the server takes none twice");
  });

  it("which is refused with the key of another certificate", async (test) => {
    const identity = { "client-id": BY_CERTIFICATE, "certificate-variable": "APPLICATION_CERTIFICATE" };
    const secret = other.pem.split("\n").at(-5);
    const message = refused(await planned(test, identity, { APPLICATION_CERTIFICATE: other.pem }), secret);
    assert.match(message, /client authentication failed/);
  });

  it("which hands on what is in a file, read anew by each run", async (test) => {
    const file = join(folder(test), "token");
    const env = { AZURE_FEDERATED_TOKEN_FILE: file };
    const identity = { "client-id": BY_FILE, federation: "kubernetes" };
    const key = pipeline.privateKey;
    const first = signedToken(key, { aud: provider.issuer });
    writeFileSync(file, `${first}\n`);
    succeeded(await planned(test, identity, env), BY_FILE);
    const { fields } = granted(BY_FILE)[0];
    assert.deepEqual([fields.client_assertion, fields.client_assertion_type], [first, ASSERTION]);
    refused(await planned(test, identity, env), first);
    assert.equal(asked(BY_FILE).at(-1).body.error, "invalid_client", "the server takes none twice");
    writeFileSync(file, signedToken(key, { aud: provider.issuer }));
    succeeded(await planned(test, identity, env), BY_FILE);
  });
});

/// The applications as the server knows them: none of them may sign a person in.
function registered(certificateKey, pipelineKey) {
  const alone = { grant_types: ["client_credentials"], redirect_uris: [], response_types: [] };
  const jwks = (key, alg) => ({ keys: [{ ...key.export({ format: "jwk" }), use: "sig", alg }] });
  const byKey = (client_id, key, alg) => ({
    ...alone,
    client_id,
    token_endpoint_auth_method: "private_key_jwt",
    token_endpoint_auth_signing_alg: alg,
    jwks: jwks(key, alg),
  });
  return [
    { ...alone, client_id: BY_SECRET, client_secret: SECRET, token_endpoint_auth_method: "client_secret_post" },
    byKey(BY_CERTIFICATE, certificateKey, "PS256"),
    byKey(BY_FILE, pipelineKey, "RS256"),
  ];
}
