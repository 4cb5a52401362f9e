// Glewlwyd as an authority, on a database of its own. It knows scopes but no resources beside them, and answers one
// and the same kind of token to every refresh, so the front's words are translated; what comes back is passed on.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exchange, postForm } from "./front.mjs";
import { folder, freePort, start, until } from "./process.mjs";

/// The application that is registered there.
export const APPLICATION = "00000000-0000-4000-8000-0000000c0de6";

/// What Debian's package sets a database up with: an administrator, whose name and password everybody knows.
const DATABASE = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3";
const ADMINISTRATOR = { username: "admin", password: "password" };
const PERSON = { username: "sandy", password: "made-up-for-the-test" };
const SCOPES = ["openid", "profile", "offline_access", "dataverse", "flow"];

/// Starts a server, with times in seconds.
export async function glewlwyd(test, { interval = 1, codeLifetime = 600, tokenLifetime = 3600 } = {}) {
  const place = folder(test);
  const origin = `http://127.0.0.1:${await freePort()}`;
  await create(join(place, "database"));
  writeFileSync(join(place, "glewlwyd.conf"), configuration(place, origin));
  const { said, ended } = start(test, "glewlwyd", ["--config-file", join(place, "glewlwyd.conf")]);
  const ready = until("glewlwyd", () => exchange(`${origin}/api/`).then(() => true, () => false));
  await Promise.race([ready, ended.then(() => Promise.reject(new Error(`glewlwyd ended: ${said.stdout}${said.stderr}`)))]);
  await furnish(origin, { interval, codeLifetime, tokenLifetime });
  return { origin, ...translated(`${origin}/api/sign-in`), approve: (told) => approve(origin, told) };
}

/// Creates the database, without holding up what else runs here.
async function create(path) {
  const child = spawn("sqlite3", [path], { stdio: ["pipe", "ignore", "inherit"] });
  child.stdin.end(readFileSync(DATABASE));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`sqlite3 ended with ${code}`);
}

function configuration(place, origin) {
  return `
database = { type = "sqlite3"; path = "${join(place, "database")}"; };
port = ${new URL(origin).port}
bind_address = "127.0.0.1"
external_url = "${origin}"
login_url = "login.html"
api_prefix = "api"
log_mode = "console"
log_level = "WARNING"
cookie_secure = 0
session_key = "GLEWLWYD2_SESSION_ID"
admin_scope = "g_admin"
profile_scope = "g_profile"
hash_algorithm = "SHA512"
user_module_path = "/usr/lib/glewlwyd/user"
client_module_path = "/usr/lib/glewlwyd/client"
user_auth_scheme_module_path = "/usr/lib/glewlwyd/scheme"
plugin_module_path = "/usr/lib/glewlwyd/plugin"
`;
}

/// Registers scopes, the sign-in itself, the person and the application, as an administrator does.
async function furnish(origin, { interval, codeLifetime, tokenLifetime }) {
  const send = await signedIn(origin, ADMINISTRATOR);
  for (const name of SCOPES.slice(1)) {
    await send("POST", "scope/", { name, display_name: name, password_required: true, password_max_age: 0 });
  }
  await send("POST", "mod/plugin/", {
    module: "oidc",
    name: "sign-in",
    display_name: "Sign-in",
    parameters: {
      iss: `${origin}/api/sign-in`,
      "jwt-type": "sha",
      "jwt-key-size": "256",
      key: "made-up-for-the-test",
      "access-token-duration": tokenLifetime,
      "refresh-token-duration": 86_400,
      "code-duration": 600,
      "refresh-token-rolling": false,
      "allow-non-oidc": true,
      "auth-type-code-enabled": true,
      "auth-type-id-token-enabled": true,
      "auth-type-device-enabled": true,
      "auth-type-refresh-enabled": true,
      "device-authorization-expiration": codeLifetime,
      "device-authorization-interval": interval,
      "subject-type": "public",
    },
  });
  await send("POST", "user/", { ...PERSON, name: "Sandy", scope: ["g_profile", ...SCOPES] });
  await send("POST", "client/", {
    client_id: APPLICATION,
    name: "flowbind",
    confidential: false,
    token_endpoint_auth_method: ["none"],
    authorization_type: ["device_authorization", "refresh_token"],
    redirect_uri: ["http://127.0.0.1/"],
    scope: [],
  });
}

/// Signs somebody in by password; what comes back sends requests in their name.
async function signedIn(origin, { username, password }) {
  let cookie;
  const send = async (method, path, body) => {
    const headers = { "content-type": "application/json", ...(cookie ? { cookie } : {}) };
    const answer = await exchange(`${origin}/api/${path}`, { method, headers, body: body && JSON.stringify(body) });
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    return answer;
  };
  const answer = await send("POST", "auth/", { username, password });
  cookie = answer.headers["set-cookie"].map((line) => line.split(";")[0]).join("; ");
  return send;
}

function translated(base) {
  return {
    deviceCode: ({ client_id }) => postForm(`${base}/device_authorization`, { client_id, scope: SCOPES.join(" ") }),
    token: ({ scope, ...rest }, resource) =>
      postForm(`${base}/token`, rest.grant_type === "refresh_token" ? { ...rest, scope: resource } : rest),
  };
}

/// The person's part, by the requests that the page makes: sign in, agree to the scopes, enter the code.
async function approve(origin, { code }) {
  const send = await signedIn(origin, PERSON);
  await send("PUT", `auth/grant/${APPLICATION}`, { scope: SCOPES.join(" ") });
  const answer = await send("GET", `sign-in/device?code=${encodeURIComponent(code)}&g_continue`);
  const where = answer.headers.location ?? "";
  if (!where.includes("prompt=deviceComplete")) throw new Error(`the code was not taken: ${answer.status} ${where}`);
}
