// dynamics-web-api, a client of the Dataverse Web API for Node, on the sandbox. It is strict about the
// boundaries of batch answers and the only client here that works with entity tags.
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { before, describe, it } from "node:test";
import { DynamicsWebApi } from "dynamics-web-api";
import { shared } from "./lib/process.mjs";
import { sandbox, token } from "./lib/sandbox.mjs";

const SET = "contoso_endpoints";
const SHIPMENTS = "8e946dae-28fb-4011-998a-7c1e5275cfe9";
const SELECT = ["contoso_name", "contoso_priority", "contoso_region"];
const UNKNOWN = "00000000-0000-4000-8000-000000000001";

/// A client that is signed in to a sandbox of its own; `statuses` gets what it was answered.
async function signedIn(test, statuses = []) {
  const { origin } = await sandbox(test);
  const bearer = await token(origin);
  const heard = ({ response }) => statuses.push(response.statusCode);
  subscribe("http.client.response.finish", heard);
  test.after(() => unsubscribe("http.client.response.finish", heard));
  const config = { serverUrl: origin, dataApi: { version: "9.2" }, propagateErrors: true };
  return new DynamicsWebApi({ ...config, onTokenRefresh: async () => bearer });
}

/// The error that an action ends with.
async function refused(action) {
  try {
    await action;
  } catch (error) {
    return error;
  }
  throw new Error("was not refused");
}

const numbered = (count) => Array.from({ length: count }, (_, index) => `n${String(index).padStart(2, "0")}`);

describe("dynamics-web-api reads and writes rows", () => {
  let api;
  const suite = shared();
  before(async () => (api = await signedIn(suite)));

  it("creates a row, and reads back what it wrote", async () => {
    const data = { contoso_name: "created", contoso_priority: 7, contoso_active: true };
    const id = await api.create({ collection: SET, data });
    assert.match(id, /^[0-9a-f-]{36}$/);
    const row = await api.retrieve({ collection: SET, key: id, select: [...SELECT, "contoso_active"] });
    assert.equal(row.contoso_endpointid, id);
    assert.equal(row.contoso_priority, 7);
    assert.equal(row.contoso_active, true);
    assert.equal(row.contoso_region, null);
  });

  it("gets the row itself where it asks for the representation", async () => {
    const data = { contoso_name: "represented", contoso_priority: 1 };
    const request = { collection: SET, returnRepresentation: true, select: SELECT };
    const created = await api.create({ ...request, data });
    assert.equal(created.contoso_name, "represented");
    assert.match(created["@odata.etag"], /^W\/"\d+"$/);
    const key = created.contoso_endpointid;
    const updated = await api.update({ ...request, key, data: { contoso_priority: 2 } });
    assert.equal(updated.contoso_priority, 2);
    assert.equal(updated.contoso_name, "represented");
    assert.notEqual(updated["@odata.etag"], created["@odata.etag"]);
  });

  it("updates one column by its own address, and clears it", async () => {
    const id = await api.create({ collection: SET, data: { contoso_name: "single", contoso_region: "emea" } });
    const region = async () => (await api.retrieve({ collection: SET, key: id, select: SELECT })).contoso_region;
    await api.updateSingleProperty({ collection: SET, key: id, fieldValuePair: { contoso_region: "apac" } });
    assert.equal(await region(), "apac");
    await api.deleteRecord({ collection: SET, key: id, property: "contoso_region" });
    assert.equal(await region(), null);
  });

  it("deletes a row, once", async () => {
    const id = await api.create({ collection: SET, data: { contoso_name: "deleted" } });
    assert.equal(await api.deleteRecord({ collection: SET, key: id }), true);
    const again = await refused(api.deleteRecord({ collection: SET, key: id }));
    assert.equal(again.status, 404);
    assert.equal(again.code, "0x80040217");
  });

  it("refuses an update of a row that is not there", async () => {
    const data = { contoso_priority: 1 };
    const error = await refused(api.update({ collection: SET, key: UNKNOWN, data }));
    assert.equal(error.status, 404);
    assert.equal(error.code, "0x80040217");
  });

  it("upserts by an alternate key: creates first, then updates the same row", async () => {
    const key = "contoso_name='O''Brien & sons'";
    const upsert = (priority) =>
      api.upsert({
        collection: SET,
        key,
        data: { contoso_priority: priority },
        returnRepresentation: true,
        select: SELECT,
      });
    const created = await upsert(1);
    assert.equal(created.contoso_name, "O'Brien & sons");
    const updated = await upsert(2);
    assert.equal(updated.contoso_endpointid, created.contoso_endpointid);
    assert.equal(updated.contoso_priority, 2);
    const read = await api.retrieve({ collection: SET, key, select: SELECT });
    assert.equal(read.contoso_priority, 2);
  });

  it("names what is wrong with a request", async () => {
    const column = await refused(api.create({ collection: SET, data: { contoso_nonsense: 1 } }));
    assert.equal(column.status, 400);
    assert.equal(column.code, "0x80048d19");
    const long = { contoso_name: "long", contoso_region: "x".repeat(51) };
    const length = await refused(api.create({ collection: SET, data: long }));
    assert.equal(length.status, 400);
    assert.equal(length.code, "0x80044331");
    const set = await refused(api.retrieveMultiple({ collection: "contoso_nothings", select: ["x"] }));
    assert.equal(set.status, 404);
    const key = { collection: SET, data: { contoso_name: "shipments" } };
    assert.equal((await refused(api.create(key))).status, 412);
  });

  it("calls functions, bound to nothing", async () => {
    const who = await api.callFunction({ functionName: "WhoAmI" });
    assert.equal(who.UserId, "1f0a6f0e-6b0d-4f7c-9c77-3d2a5b8e4c11");
  });

  it("reads the description of a table by its own words", async () => {
    const select = ["EntitySetName", "PrimaryIdAttribute"];
    const table = await api.retrieveEntity({ key: "LogicalName='contoso_endpoint'", select });
    assert.equal(table.EntitySetName, SET);
    const { value } = await api.retrieveEntities({ select, filter: "LogicalName eq 'contoso_endpoint'" });
    assert.equal(value.length, 1);
    assert.equal(value[0].PrimaryIdAttribute, "contoso_endpointid");
    const column = await api.retrieveAttribute({
      entityKey: "LogicalName='contoso_endpoint'",
      attributeKey: "LogicalName='contoso_url'",
      castType: "Microsoft.Dynamics.CRM.StringAttributeMetadata",
      select: ["MaxLength"],
    });
    assert.equal(column.MaxLength, 500);
  });

  it("writes a value of an environment variable with a bound definition", async () => {
    const filter = "schemaname eq 'contoso_OrderIntakeUrl'";
    const definitions = { collection: "environmentvariabledefinitions", filter, select: ["schemaname"] };
    const [definition] = (await api.retrieveMultiple(definitions)).value;
    const bound = definition.environmentvariabledefinitionid;
    const data = {
      schemaname: "contoso_OrderIntakeUrl",
      value: "https://example.com/",
      "EnvironmentVariableDefinitionId@odata.bind": `environmentvariabledefinitions(${bound})`,
    };
    const id = await api.create({ collection: "environmentvariablevalues", data });
    const nav = "environmentvariabledefinition_environmentvariablevalue";
    const expand = [{ property: nav, select: ["value"] }];
    const [read] = (await api.retrieveMultiple({ ...definitions, expand })).value;
    assert.deepEqual(read[nav].map((row) => [row.environmentvariablevalueid, row.value]), [[id, data.value]]);
    const annotated = await api.retrieve({
      collection: "environmentvariablevalues",
      key: id,
      select: ["_environmentvariabledefinitionid_value"],
      includeAnnotations: "*",
    });
    assert.equal(annotated._environmentvariabledefinitionid_value, bound);
    assert.equal(annotated._environmentvariabledefinitionid_value_LogicalName, "environmentvariabledefinition");
    assert.equal(annotated._environmentvariabledefinitionid_value_NavigationProperty, "EnvironmentVariableDefinitionId");
  });
});

describe("dynamics-web-api guards reads and writes with entity tags", () => {
  let api;
  let tag;
  const statuses = [];
  const one = { collection: SET, key: SHIPMENTS };
  const read = (more = {}) => api.retrieve({ ...one, select: SELECT, ...more });
  const suite = shared();
  before(async () => (api = await signedIn(suite, statuses)));

  it("gets nothing anew for the tag that it has, and the row for another", async () => {
    tag = (await read())["@odata.etag"];
    assert.equal(await read({ ifnonematch: tag }), undefined);
    assert.equal(statuses.at(-1), 304);
    assert.equal((await read({ ifnonematch: 'W/"1"' })).contoso_name, "shipments");
    assert.equal((await read({ ifmatch: tag })).contoso_name, "shipments");
  });

  it("writes with the tag of the row, and no second time with the same", async () => {
    const update = { ...one, data: { contoso_priority: 41 }, ifmatch: tag };
    await api.update(update);
    const stale = await refused(api.update({ ...update, data: { contoso_priority: 42 } }));
    assert.equal(stale.status, 412);
    assert.equal(stale.code, "0x80060882");
    const row = await read({ ifnonematch: tag });
    assert.equal(row.contoso_priority, 41);
    assert.notEqual(row["@odata.etag"], tag);
  });

  it("deletes with the tag of the row alone", async () => {
    const created = { collection: SET, data: { contoso_name: "guarded" }, returnRepresentation: true };
    const row = await api.create(created);
    const request = { collection: SET, key: row.contoso_endpointid };
    await api.update({ ...request, data: { contoso_priority: 1 } });
    const stale = await refused(api.deleteRecord({ ...request, ifmatch: row["@odata.etag"] }));
    assert.deepEqual([stale.status, stale.code], [412, "0x80060882"]);
    const { "@odata.etag": fresh } = await api.retrieve({ ...request, select: SELECT });
    await api.deleteRecord({ ...request, ifmatch: fresh });
    assert.equal((await refused(api.retrieve(request))).status, 404);
  });

  it("creates only, or updates only, as it asks", async () => {
    const key = "contoso_name='upserted'";
    const only = { collection: SET, key, data: { contoso_priority: 1 }, returnRepresentation: true };
    assert.equal((await refused(api.upsert({ ...only, ifmatch: "*" }))).status, 404);
    assert.equal((await api.upsert({ ...only, ifnonematch: "*" })).contoso_priority, 1);
    assert.equal((await refused(api.upsert({ ...only, ifnonematch: "*" }))).status, 412);
    assert.equal((await api.upsert({ ...only, ifmatch: "*" })).contoso_priority, 1);
  });
});

describe("dynamics-web-api asks", () => {
  let api;
  const names = (rows) => rows.map((row) => row.contoso_name);
  const suite = shared();
  before(async () => {
    api = await signedIn(suite);
    api.startBatch();
    for (const [index, name] of numbered(12).entries()) {
      api.create({ collection: SET, data: { contoso_name: name, contoso_priority: index, contoso_region: "paged" } });
    }
    assert.equal((await api.executeBatch()).length, 12);
  });
  const paged = { collection: SET, select: SELECT, filter: "contoso_region eq 'paged'", orderBy: ["contoso_name desc"] };

  it("for the rows that fit, in order, and no more than it wants", async () => {
    const filter = "contoso_region eq 'paged' and (contoso_priority ge 3 and contoso_priority lt 6)";
    const { value } = await api.retrieveMultiple({ ...paged, filter });
    assert.deepEqual(names(value), ["n05", "n04", "n03"]);
    const few = await api.retrieveMultiple({ ...paged, top: 2 });
    assert.deepEqual(names(few.value), ["n11", "n10"]);
    const text = "startswith(contoso_name,'n0') and not contains(contoso_name,'5') and contoso_priority ne 0";
    assert.equal((await api.retrieveMultiple({ ...paged, filter: text })).value.length, 8);
  });

  it("for a number of them", async () => {
    const counted = await api.retrieveMultiple({ ...paged, count: true, maxPageSize: 5 });
    assert.equal(counted.oDataCount, 12);
    assert.equal(counted.value.length, 5);
    assert.equal(await api.count({ collection: SET, filter: paged.filter }), 12);
    assert.equal(await api.count({ collection: SET }), 15);
    assert.equal(await api.countAll({ collection: SET, filter: paged.filter }), 12);
  });

  it("page by page, each where the one before ended", async () => {
    const first = await api.retrieveMultiple({ ...paged, maxPageSize: 5 });
    const second = await api.retrieveMultiple({ ...paged, maxPageSize: 5 }, first.oDataNextLink);
    const third = await api.retrieveMultiple({ ...paged, maxPageSize: 5 }, second.oDataNextLink);
    assert.equal(third.oDataNextLink, undefined);
    const all = [first, second, third].flatMap((page) => names(page.value));
    assert.deepEqual(all, numbered(12).reverse());
    const gathered = await api.retrieveAll({ ...paged, maxPageSize: 5 });
    assert.deepEqual(names(gathered.value), all);
  });

  it("in a batch of its own making where the address would be too long", async () => {
    const many = numbered(12).map((name) => `contoso_name eq '${name}${"-".repeat(200)}'`);
    const filter = [...many, "contoso_name eq 'n07'"].join(" or ");
    const { value } = await api.retrieveMultiple({ ...paged, filter });
    assert.deepEqual(names(value), ["n07"]);
  });
});

describe("dynamics-web-api sends batches", () => {
  let api;
  const add = (name, more = {}) => api.create({ collection: SET, data: { contoso_name: name }, ...more });
  const exists = async (name) =>
    (await api.retrieveMultiple({ collection: SET, select: SELECT, filter: `contoso_name eq '${name}'` })).value.length === 1;
  const suite = shared();
  before(async () => (api = await signedIn(suite)));

  it("with reads around a change set, and gets each answer in its place", async () => {
    api.startBatch();
    api.retrieve({ collection: SET, key: SHIPMENTS, select: SELECT });
    add("in-change-set");
    api.update({ collection: SET, key: SHIPMENTS, data: { contoso_priority: 9 } });
    api.retrieveMultiple({ collection: SET, select: SELECT, filter: "contoso_name eq 'in-change-set'" });
    api.count({ collection: SET });
    const answers = await api.executeBatch();
    assert.equal(answers.length, 5, JSON.stringify(answers));
    const [before, id, updated, found, count] = answers;
    assert.equal(before.contoso_priority, 1);
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.equal(updated, true);
    assert.equal(found.value[0].contoso_endpointid, id);
    assert.equal(count, 4);
  });

  it("with representations, and ids of its own for the parts", async () => {
    api.startBatch();
    add("represented-1", { contentId: "7", returnRepresentation: true, select: SELECT });
    add("represented-2", { contentId: "8", returnRepresentation: true, select: SELECT });
    const rows = await api.executeBatch();
    assert.deepEqual(rows.map((row) => row.contoso_name), ["represented-1", "represented-2"]);
  });

  it("with a part that refers to the row of an earlier part", async () => {
    api.startBatch();
    const definition = { schemaname: "contoso_FromBatch", displayname: "From a batch", type: 100000000 };
    api.create({ collection: "environmentvariabledefinitions", data: definition, contentId: "1" });
    const data = { schemaname: "contoso_FromBatch", value: "v", "EnvironmentVariableDefinitionId@odata.bind": "$1" };
    api.create({ collection: "environmentvariablevalues", data });
    const [definitionId, valueId] = await api.executeBatch();
    const row = await api.retrieve({
      collection: "environmentvariablevalues",
      key: valueId,
      select: ["_environmentvariabledefinitionid_value"],
    });
    assert.equal(row._environmentvariabledefinitionid_value, definitionId);
  });

  it("whose failed change set leaves nothing behind", async () => {
    api.startBatch();
    add("undone");
    add("shipments");
    const error = await refused(api.executeBatch());
    const [problem] = Array.isArray(error) ? error : [error];
    assert.equal(problem.status, 412);
    assert.equal(await exists("undone"), false);
  });

  it("whose guards hold in a change set as elsewhere", async () => {
    const { "@odata.etag": tag } = await api.retrieve({ collection: SET, key: SHIPMENTS, select: SELECT });
    const guarded = (ifmatch) => {
      api.startBatch();
      add(`guarded-by-${ifmatch === tag ? "good" : "stale"}-tag`);
      api.update({ collection: SET, key: SHIPMENTS, data: { contoso_priority: 3 }, ifmatch });
      return api.executeBatch();
    };
    const stale = await refused(guarded('W/"1"'));
    const [problem] = Array.isArray(stale) ? stale : [stale];
    assert.equal(problem.status, 412);
    assert.equal(await exists("guarded-by-stale-tag"), false);
    await guarded(tag);
    assert.equal(await exists("guarded-by-good-tag"), true);
  });

  it("of single requests, which stop at the first error", async () => {
    api.startBatch();
    add("stop-1");
    add("shipments");
    add("stop-2");
    const error = await refused(api.executeBatch({ inChangeSet: false }));
    const [, problem] = error;
    assert.equal(problem.status, 412);
    assert.equal(error.length, 2);
    assert.deepEqual([await exists("stop-1"), await exists("stop-2")], [true, false]);
  });

  it("of single requests, which go on after an error where it asks for that", async () => {
    api.startBatch();
    add("go-on-1");
    add("shipments");
    add("go-on-2");
    const answers = await api.executeBatch({ inChangeSet: false, continueOnError: true });
    assert.equal(answers.length, 3);
    assert.match(answers[0], /^[0-9a-f-]{36}$/);
    assert.equal(answers[1].status, 412);
    assert.match(answers[2], /^[0-9a-f-]{36}$/);
    assert.deepEqual([await exists("go-on-1"), await exists("go-on-2")], [true, true]);
  });
});
