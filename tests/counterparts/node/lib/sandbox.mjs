// A sandbox tenant, and tokens of its own.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FLOWBIND, ROOT, folder, start, until } from "./process.mjs";

/// Ids of the tenant that ships with the program.
export const TENANT = "7c3f1c52-9d0e-4b7a-8a35-5e2f6d1b9c40";
export const CLIENT = "00000000-0000-4000-8000-00000000f10b";
export const FLOW_SCOPE = "https://service.flow.microsoft.com//.default";

/// Serves the shipped tenant, with some of its text replaced.
export async function sandbox(test, { replace = [], args = ["--approve-after", "0"], tls = false } = {}) {
  const place = folder(test);
  const state = ["--sandbox-state", "none"];
  const tenant = replace.length ? ["--tenant", changedTenant(place, replace)] : [];
  const certificates = tls ? ["--tls-dir", place] : [];
  const all = ["sandbox", "--listen", "127.0.0.1:0", ...state, ...tenant, ...certificates, ...args];
  const { said, ended } = start(test, FLOWBIND, all);
  const early = ended.then(({ code, stderr }) => ({ failed: `the sandbox ended with ${code}: ${stderr}` }));
  const found = await Promise.race([
    until("the sandbox", () => /http:\/\/127\.0\.0\.1:(\d+)/.exec(said.stdout + said.stderr)),
    early,
  ]);
  if (found.failed) throw new Error(found.failed);
  const port = Number(found[1]);
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    secure: `https://localhost:${port}`,
    ca: join(place, "ca.pem"),
  };
}

function changedTenant(place, replace) {
  let text = readFileSync(join(ROOT, "config/sandbox.toml"), "utf8");
  for (const [from, to] of replace) {
    if (!text.includes(from)) throw new Error(`the tenant has no ${from}`);
    text = text.replace(from, () => to);
  }
  const path = join(place, "tenant.toml");
  writeFileSync(path, text);
  return path;
}

/// Posts a form and reads the answer.
export async function post(url, fields) {
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(fields) });
  return { status: response.status, body: await response.json() };
}

/// A token of the sandbox whose user approves by itself.
export async function token(origin, scope = `${origin}/.default`) {
  const base = `${origin}/${TENANT}/oauth2/v2.0`;
  const code = await post(`${base}/devicecode`, { client_id: CLIENT, scope });
  const grant = { client_id: CLIENT, grant_type: "urn:ietf:params:oauth:grant-type:device_code" };
  const answer = await post(`${base}/token`, { ...grant, device_code: code.body.device_code });
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return answer.body.access_token;
}
