// An environment whose sign-in is somewhere else: one loopback address that names itself as authority, passes the
// sign-in to a server written elsewhere, and everything else to a sandbox, with a token of the sandbox in the
// place of the foreign one.
import { createServer, request } from "node:http";
import { CLIENT, FLOW_SCOPE, TENANT } from "./sandbox.mjs";

/// The audience of the Flow service, with its slash.
const FLOW = "https://service.flow.microsoft.com/";

/// Sends a request and reads the whole answer.
export function exchange(url, { method = "GET", headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/// Posts a form to a server and reads the JSON of the answer.
export async function postForm(url, fields, more = {}) {
  const headers = { "content-type": "application/x-www-form-urlencoded", ...more };
  const body = new URLSearchParams(fields).toString();
  const answer = await exchange(url, { method: "POST", headers, body });
  const text = answer.body.toString();
  return { status: answer.status, body: text ? JSON.parse(text) : {} };
}

/// Starts a front. An authority has `deviceCode(fields)` and `token(fields, resource, host)`, each of which answers a
/// status and a body, and `authorize(fields)`, which answers where a browser goes on; `resource` is the kind of
/// resource that is asked for: `dataverse` or `flow`, and `host` is the name under which it was asked.
export async function front(test, origin, authority) {
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch((error) => {
      seen.failures.push(error);
      outgoing.writeHead(500).end(String(error));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const host = `127.0.0.1:${server.address().port}`;
  const address = `http://${host}`;
  // What came by, in order, for tests to look at.
  const seen = { codes: [], authorizations: [], tokens: [], refused: [], failures: [] };
  // How many requests were passed on, and which applications' tokens they had.
  seen.served = { dataverse: 0, flow: 0 };
  seen.clients = { dataverse: new Set(), flow: new Set() };
  const issued = new Map();
  const own = { dataverse: await ownToken(origin, host, `${address}/.default`), flow: await ownToken(origin, host, FLOW_SCOPE) };

  async function answer(incoming, outgoing) {
    const parts = [];
    for await (const part of incoming) parts.push(part);
    const body = Buffer.concat(parts);
    const { pathname: path, searchParams: query } = new URL(incoming.url, address);
    if (path === `/${TENANT}/oauth2/v2.0/devicecode`) return said(outgoing, await askCode(body));
    if (path === `/${TENANT}/oauth2/v2.0/token`) return said(outgoing, await askToken(body));
    if (path === `/${TENANT}/oauth2/v2.0/authorize`) return askPerson(outgoing, Object.fromEntries(query));
    return pass(incoming, outgoing, body);
  }

  function askPerson(outgoing, fields) {
    seen.authorizations.push({ fields });
    outgoing.writeHead(302, { location: authority.authorize(fields) }).end();
  }

  async function askCode(body) {
    const fields = Object.fromEntries(new URLSearchParams(body.toString()));
    const answer = await authority.deviceCode(fields);
    seen.codes.push({ fields, ...answer });
    return answer;
  }

  async function askToken(body) {
    const at = performance.now();
    const fields = Object.fromEntries(new URLSearchParams(body.toString()));
    const resource = scopeOf(fields).includes(FLOW) ? "flow" : "dataverse";
    const answer = await authority.token(fields, resource, host);
    if (answer.status === 200) {
      const ends = Date.now() + 1000 * answer.body.expires_in;
      issued.set(answer.body.access_token, { resource, ends, client: fields.client_id });
    }
    seen.tokens.push({ at, fields, resource, ...answer });
    return answer;
  }

  /// What is asked for: a poll does not say it again.
  function scopeOf({ scope, device_code: code }) {
    return scope ?? seen.codes.find(({ body }) => code && body.device_code === code)?.fields.scope ?? "";
  }

  /// Passes a request on for whoever has a token that was issued here for that service and has not ended.
  async function pass(incoming, outgoing, body) {
    const resource = incoming.url.startsWith("/api/data/") ? "dataverse" : "flow";
    const [scheme, bearer] = (incoming.headers.authorization ?? "").split(" ");
    const known = issued.get(bearer);
    if (scheme !== "Bearer" || known?.resource !== resource || known.ends < Date.now()) {
      if (bearer) seen.refused.push({ url: incoming.url, scheme, known });
      return challenge(outgoing);
    }
    seen.served[resource] += 1;
    seen.clients[resource].add(known.client);
    const headers = { ...incoming.headers, host, authorization: `Bearer ${own[resource]}` };
    const answer = await exchange(`${origin}${incoming.url}`, { method: incoming.method, headers, body });
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  }

  function challenge(outgoing) {
    const where = `Bearer authorization_uri=${address}/${TENANT}/oauth2/authorize, resource_id=${address}/`;
    outgoing.writeHead(401, { "www-authenticate": where }).end();
  }

  return { address, seen };
}

function said(outgoing, { status, body }) {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  outgoing.writeHead(status, headers).end(JSON.stringify(body));
}

/// A token of the sandbox for somebody who reaches it under another name.
async function ownToken(origin, host, scope) {
  const base = `${origin}/${TENANT}/oauth2/v2.0`;
  const code = await postForm(`${base}/devicecode`, { client_id: CLIENT, scope }, { host });
  const grant = { client_id: CLIENT, grant_type: "urn:ietf:params:oauth:grant-type:device_code" };
  const answer = await postForm(`${base}/token`, { ...grant, device_code: code.body.device_code }, { host });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return answer.body.access_token;
}
