// @odata/parser, built from the grammar of OData, reads every Dataverse address that the client sent while the
// end-to-end tests ran. The Flow API is no OData service, so its addresses are only counted.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { defaultParser } from "@odata/parser";

/// The functions of Dataverse that the client calls by name. Without a declaration the parser takes the first part of
/// a path for an entity set, and a key of OData 4.0 can be no parameter alias, which an argument of a function can.
const FUNCTIONS = { RetrieveCurrentOrganization: { AccessType: "EndpointAccessType" } };
const CRM = "Microsoft.Dynamics.CRM";

/// Declares a function as the service's own metadata would.
function declaration(name, parameters) {
  const response = { name: `${name}Response`, properties: [], navigationProperties: [] };
  const types = Object.entries(parameters).map(([key, type]) => ({ name: key, type: `${CRM}.${type}` }));
  const called = { name, isBound: false, parameters: types, returnType: { type: `${CRM}.${response.name}` } };
  const imported = { name, function: `${CRM}.${name}` };
  const container = { name: "System", entitySets: [], singletons: [], actionImports: [], functionImports: [imported] };
  const more = { entityTypes: [], enumTypes: [], typeDefinitions: [], actions: [] };
  const schema = { namespace: CRM, ...more, complexTypes: [response], functions: [called], entityContainer: [container] };
  response.parent = schema;
  return { dataServices: { schemas: [schema] } };
}

/// Reads an address below the service's root; the root itself is outside of what the parser has a rule for.
function parse(address) {
  const relative = address.replace(/^https?:\/\/[^/]+/, "").replace(/^\/api\/data\/v9\.\d/, "");
  assert.notEqual(relative, address, `\`${address}\` is not below the root of the Web API`);
  if (relative === "/") return { options: [] };
  const name = /^\/(\w+)/.exec(relative)?.[1];
  const metadata = FUNCTIONS[name] && declaration(name, FUNCTIONS[name]);
  const token = defaultParser.odataUri(relative, { metadata });
  const options = token.value.query?.value.options ?? [];
  return { options: options.map(({ type, value }) => value?.key ?? type) };
}

/// What was recorded: the service, the method and the address of each request.
function recorded() {
  const lines = readFileSync(`${process.env.COUNTERPARTS_RECORD}/requests.txt`, "utf8").trim().split("\n");
  return lines.map((line) => {
    const [service, method, address, ...rest] = line.split(" ");
    assert.deepEqual(rest, [], `a space stands in an address: ${line}`);
    return { service, method, address };
  });
}

describe("@odata/parser", () => {
  it("reads every address that the client sent", (test) => {
    const requests = recorded();
    const odata = requests.filter(({ service }) => service !== "flow");
    const refused = new Map();
    const kinds = new Set();
    for (const { address } of odata) {
      try {
        for (const kind of parse(address).options) kinds.add(kind);
      } catch (error) {
        refused.set(address, error.message);
      }
    }
    assert.deepEqual([...refused], []);
    for (const kind of ["Select", "Filter", "Expand", "Top", "AliasAndValue"]) {
      assert.ok(kinds.has(kind), `no address has ${kind}: ${[...kinds]}`);
    }
    assert.ok([...kinds].every((kind) => !kind.startsWith("$")), String([...kinds]));
    const inside = odata.filter(({ service }) => service === "batch").length;
    assert.ok(inside > 0 && odata.length > 100, `${odata.length} addresses, ${inside} of them in batches`);
    test.diagnostic(`${odata.length} addresses read, ${inside} of them in batches; ${requests.length - odata.length} of the Flow API left out`);
  });

  it("would have refused a wrong one", () => {
    const root = "/api/data/v9.2";
    const wrong = [
      "/workflows?$filter=name eq",
      "/workflows?$filter=name%20eq%20%27O'Brien%27",
      "/workflows?$select=a,,b",
      "/workflows?$top=all",
      "/workflows?$expand=x($select=a",
      `/workflows?$filter=${CRM}.In(PropertyName=@p1,`,
      `/workflows?$filter=${CRM}.In(PropertyName=@p1,PropertyValues=@p2)&@p1=%27workflowid%27&@p2=%5B%22a%22`,
      "/RetrieveCurrentOrganization(AccessType=@p1",
      `/RetrieveCurrentOrganization(AccessType=@p1)?@p1=${CRM}.EndpointAccessType%27Default`,
      "/environmentvariablevalues(",
    ];
    for (const address of wrong) assert.throws(() => parse(`${root}${address}`), undefined, address);
    assert.doesNotThrow(() => parse(`${root}/workflows?$filter=name%20eq%20%27O%27%27Brien%27`));
  });
});
