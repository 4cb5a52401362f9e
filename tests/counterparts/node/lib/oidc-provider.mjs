// oidc-provider as an authority. It names resources in a parameter of their own (RFC 8707) where Entra puts them
// into the scope, so the front's words are translated here; everything that comes back is passed on as it is.
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";
import { freePort } from "./process.mjs";
import { postForm } from "./front.mjs";
import { TENANT } from "./sandbox.mjs";

/// The application that is registered there.
export const APPLICATION = "00000000-0000-4000-8000-0000000c0de5";

/// The path at which it is asked for tokens: that of Entra, since a signed proof names it.
const TOKEN = `/${TENANT}/oauth2/v2.0/token`;

/// What the provider calls the two resources, and what may be asked of them.
export const RESOURCES = {
  dataverse: { name: "https://dataverse.example.com/", scope: "user_impersonation" },
  flow: { name: "https://flow.example.com/", scope: "Flows.Read.All" },
};

const PERSON = { sub: "sandy", preferred_username: "sandy@foreign.example" };

/// Starts a provider, with lifetimes in seconds, tokens that can be read (`jwt`) or cannot (`opaque`), and further
/// applications.
export async function oidcProvider(test, options = {}) {
  const usual = { codeLifetime: 600, tokenLifetime: 3600, format: "jwt", clients: [] };
  const issuer = `http://127.0.0.1:${await freePort()}`;
  const provider = new Provider(issuer, configuration({ ...usual, ...options }));
  const server = await new Promise((resolve) => {
    const listening = provider.listen(Number(new URL(issuer).port), "127.0.0.1", () => resolve(listening));
  });
  test.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { issuer, provider, ...translated(issuer) };
}

function translated(issuer) {
  const both = `${RESOURCES.dataverse.scope} ${RESOURCES.flow.scope}`;
  const resources = Object.values(RESOURCES).map(({ name }) => ["resource", name]);
  const identity = (scope) => scope.split(" ").filter((word) => !word.includes("/")).join(" ");
  return {
    deviceCode: ({ client_id, scope }) => {
      const fields = [["client_id", client_id], ["scope", `${identity(scope)} ${both}`]];
      return postForm(`${issuer}/device/auth`, [...fields, ...resources, ["prompt", "consent"]]);
    },
    // It knows no `select_account`, and gives a refresh token to none but who asks for consent.
    authorize: ({ scope, prompt, ...rest }) => {
      const fields = { ...rest, scope: `${identity(scope)} ${both}`, prompt: "login consent" };
      return `${issuer}/auth?${new URLSearchParams([...Object.entries(fields), ...resources])}`;
    },
    token: (fields, resource, host) => {
      const { scope, ...rest } = fields;
      const named = host ? { host } : {};
      return postForm(`${issuer}${TOKEN}`, { ...rest, resource: RESOURCES[resource].name }, named);
    },
  };
}

function configuration({ codeLifetime, tokenLifetime, format, clients }) {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    clients: [
      {
        client_id: APPLICATION,
        client_name: "flowbind",
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "authorization_code", "refresh_token"],
        redirect_uris: ["http://localhost"],
        response_types: ["code"],
      },
      ...clients,
    ],
    routes: { token: TOKEN },
    pkce: { required: () => true },
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", kid: "one" }] },
    cookies: { keys: ["made-up-for-the-test"] },
    claims: { openid: ["sub"], profile: ["preferred_username"] },
    conformIdTokenClaims: false,
    findAccount: (_, sub) => ({ accountId: sub, claims: async () => PERSON }),
    ttl: {
      AccessToken: tokenLifetime,
      AuthorizationCode: 60,
      ClientCredentials: tokenLifetime,
      DeviceCode: codeLifetime,
      Grant: 3600,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 86_400,
      Session: 3600,
    },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, name) => {
          const resource = Object.values(RESOURCES).find((one) => one.name === name);
          const shape = { audience: name, accessTokenFormat: format, accessTokenTTL: tokenLifetime };
          return { ...shape, scope: resource.scope, ...(format === "jwt" ? { jwt: { sign: { alg: "RS256" } } } : {}) };
        },
      },
    },
  };
}

/// The person's part in a browser: enters the code, signs in, and agrees to what is asked.
export async function approve(page, where, seen = async () => {}) {
  await enter(page, where, seen);
  await page.locator("button[autofocus]").click();
  await agree(page, seen, () => page.getByText("Sign-in Success").count());
}

/// The person's part where no code is entered: opens the address, signs in, and agrees, until the browser is back.
export async function approveAt(page, address, seen = async () => {}) {
  await page.goto(address);
  await agree(page, seen, () => new URL(page.url()).hostname === "localhost");
}

/// The person's part where no code is entered: opens the address, signs in, and then does not agree.
export async function declineAt(page, address, seen = async () => {}) {
  await page.goto(address);
  await signIn(page, seen);
  await page.getByText("[ Cancel ]").click();
  await page.waitForURL((url) => url.hostname === "localhost");
}

async function signIn(page, seen) {
  await page.locator("input[name=login]").fill(PERSON.sub);
  await page.locator("input[name=password]").fill("any");
  await seen("sign-in");
  await page.locator("button[type=submit]").click();
  await page.waitForLoadState();
}

async function agree(page, seen, isDone) {
  for (let step = 0; step < 4; step += 1) {
    await page.waitForLoadState();
    if (await page.locator("input[name=login]").count()) {
      await signIn(page, seen);
    } else if (await page.locator("form[action*=interaction], input[name=prompt]").count()) {
      await seen("consent");
      await page.locator("button[type=submit]").click();
    } else if (await isDone()) {
      await seen("done");
      return;
    }
  }
  throw new Error(`the person does not come to an end at ${page.url()}`);
}

/// The person's part in a browser: enters the code and refuses.
export async function decline(page, where, seen = async () => {}) {
  await enter(page, where, seen);
  await page.locator("button[name=abort]").click();
  await page.getByText("The Sign-in request was interrupted").waitFor();
  await seen("declined");
}

async function enter(page, { page: address, code }, seen) {
  await page.goto(address);
  await page.locator("input[name=user_code]").fill(code);
  await seen("code");
  await page.locator("button[type=submit]").click();
  await page.getByText("Confirm Device").waitFor();
  await seen("confirmation");
}
