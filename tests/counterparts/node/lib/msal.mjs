// One process with msal-node in it, since Node reads further authorities of certificates only at its start.
// Takes a scenario as JSON, and prints what came of each step as JSON.
import { PublicClientApplication } from "@azure/msal-node";

const { secure, scopes, steps, client, tenant } = JSON.parse(process.argv[2]);
const auth = { clientId: client, authority: `${secure}/${tenant}`, knownAuthorities: [new URL(secure).host] };
const environmentToken = [`${secure}/.default`];

let app = new PublicClientApplication({ auth });
let account;

const actions = {
  /// Signs in, and prints the prompt on standard error for whoever approves.
  async login() {
    const told = (code) => process.stderr.write(`${JSON.stringify(code)}\n`);
    const result = await app.acquireTokenByDeviceCode({ scopes: environmentToken, deviceCodeCallback: told });
    account = result.account;
    return result;
  },
  silent: () => app.acquireTokenSilent({ account, scopes: environmentToken }),
  refresh: () => app.acquireTokenSilent({ account, scopes: environmentToken, forceRefresh: true }),
  second: () => app.acquireTokenSilent({ account, scopes: [scopes.flow] }),
  /// Goes on as another process that has the first one's cache.
  async restart() {
    const cache = app.getTokenCache().serialize();
    app = new PublicClientApplication({ auth });
    app.getTokenCache().deserialize(cache);
    [account] = await app.getAllAccounts();
    return { account };
  },
};

const done = [];
for (const step of steps) {
  try {
    done.push({ step, result: await actions[step]() });
  } catch (error) {
    const { name, errorCode, errorMessage, subError, claims, correlationId } = error;
    done.push({ step, error: { name, errorCode, errorMessage, subError, claims, correlationId, text: String(error) } });
    break;
  }
}
console.log(JSON.stringify(done));
