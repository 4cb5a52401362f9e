// oidc-provider as an authority. It names resources in a parameter of their own (RFC 8707) where Entra puts them
// into the scope, so the front's words are translated here; everything that comes back is passed on as it is.
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";
import { freePort } from "./process.mjs";
import { postForm } from "./front.mjs";

/// The application that is registered there.
export const APPLICATION = "00000000-0000-4000-8000-0000000c0de5";

/// What the provider calls the two resources, and what may be asked of them.
export const RESOURCES = {
  dataverse: { name: "https://dataverse.example.com/", scope: "user_impersonation" },
  flow: { name: "https://flow.example.com/", scope: "Flows.Read.All" },
};

const PERSON = { sub: "sandy", preferred_username: "sandy@foreign.example" };

/// Starts a provider, with lifetimes in seconds, and tokens that can be read (`jwt`) or cannot (`opaque`).
export async function oidcProvider(test, { codeLifetime = 600, tokenLifetime = 3600, format = "jwt" } = {}) {
  const issuer = `http://127.0.0.1:${await freePort()}`;
  const provider = new Provider(issuer, configuration({ codeLifetime, tokenLifetime, format }));
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
  return {
    deviceCode: ({ client_id, scope }) => {
      const identity = scope.split(" ").filter((word) => !word.includes("/"));
      const fields = [["client_id", client_id], ["scope", `${identity.join(" ")} ${both}`]];
      const resources = Object.values(RESOURCES).map(({ name }) => ["resource", name]);
      return postForm(`${issuer}/device/auth`, [...fields, ...resources, ["prompt", "consent"]]);
    },
    token: (fields, resource) => {
      const { scope, ...rest } = fields;
      return postForm(`${issuer}/token`, { ...rest, resource: RESOURCES[resource].name });
    },
  };
}

function configuration({ codeLifetime, tokenLifetime, format }) {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    clients: [
      {
        client_id: APPLICATION,
        client_name: "flowbind",
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", kid: "one" }] },
    cookies: { keys: ["made-up-for-the-test"] },
    claims: { openid: ["sub"], profile: ["preferred_username"] },
    conformIdTokenClaims: false,
    findAccount: (_, sub) => ({ accountId: sub, claims: async () => PERSON }),
    ttl: {
      AccessToken: tokenLifetime,
      DeviceCode: codeLifetime,
      Grant: 3600,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 86_400,
      Session: 3600,
    },
    features: {
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
  for (let step = 0; step < 4; step += 1) {
    await page.waitForLoadState();
    const login = page.locator("input[name=login]");
    if (await login.count()) {
      await login.fill(PERSON.sub);
      await page.locator("input[name=password]").fill("any");
      await seen("sign-in");
    } else if (await page.locator("form[action*=interaction], input[name=prompt]").count()) {
      await seen("consent");
    } else {
      await page.getByText("Sign-in Success").waitFor();
      await seen("done");
      return;
    }
    await page.locator("button[type=submit]").click();
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
