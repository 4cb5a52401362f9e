// The reports in files, read by what others read them with: SARIF by the schema that Microsoft ships, Markdown by a
// parser of GitHub's dialect, HTML by a validator and, in Chromium, by an accessibility checker.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import addFormats from "ajv-formats";
import Ajv from "ajv-draft-04";
import axe from "axe-core";
import { HtmlValidate } from "html-validate";
import { marked } from "marked";
import { browser, picture } from "./lib/browser.mjs";
import { EXAMPLE, flowbind } from "./lib/flowbind.mjs";
import { folder, shared } from "./lib/process.mjs";

const FORMS = ["md", "sarif", "html", "json"];

/// What a name may hold that would be markup.
const HOSTILE = "<b>|`x` *y* </script> & [z](q)";

const test = shared();
const place = folder(test);

/// Runs a command with a report of every form.
async function reported(name, args, code) {
  const paths = Object.fromEntries(FORMS.map((form) => [form, join(place, `${name}.${form}`)]));
  const reports = FORMS.flatMap((form) => ["--report", paths[form]]);
  const state = ["--sandbox-state", join(place, "state.json")];
  const ended = await flowbind(test, [...args, ...state, ...reports]).ended;
  assert.equal(ended.code, code, ended.stderr);
  return { paths, text: (form) => readFileSync(paths[form], "utf8") };
}

/// The example with some of its text replaced.
function example(name, ...replacements) {
  let text = readFileSync(EXAMPLE, "utf8");
  for (const [from, to] of replacements) {
    assert.ok(text.includes(from), from);
    text = text.replace(from, () => to);
  }
  const path = join(place, `${name}.toml`);
  writeFileSync(path, text);
  return path;
}

describe("reports", () => {
  const runs = {};
  before(async () => {
    const at = ["-e", "sandbox"];
    const hostile = example("hostile", ['name = "Order intake"', `name = ${JSON.stringify(HOSTILE)}`]);
    const refusing = example(
      "refusing",
      ['signed-urls = "allow"', 'signed-urls = "refuse"'],
      ["contoso_StockUrl", "contoso_Missing"],
    );
    const broken = join(place, "broken.toml");
    writeFileSync(broken, 'version = 1\n[environmentz.x]\n[[flow]]\nworkflow-id = "<b>|`"\n');
    runs.planned = await reported("planned", ["plan", "-m", hostile, ...at], 0);
    runs.refused = await reported("refused", ["plan", "-m", refusing, ...at], 5);
    runs.broken = await reported("broken", ["plan", "-m", broken], 3);
    runs.applied = await reported("applied", ["apply", "-m", hostile, ...at], 0);
    runs.agreed = await reported("agreed", ["apply", "-m", hostile, ...at], 0);
  });

  it("SARIF is what its schema says, at every end", () => {
    const load = createRequire(import.meta.url);
    const schema = load("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");
    const ajv = addFormats(new Ajv({ strict: false, allErrors: true, unicodeRegExp: false }));
    const validate = ajv.compile(schema);
    for (const [name, run] of Object.entries(runs)) {
      const document = JSON.parse(run.text("sarif"));
      assert.ok(validate(document), `${name}: ${ajv.errorsText(validate.errors)}`);
    }
    assert.equal(validate({ version: "2.1.0" }), false, "the schema can tell");
    const { results, invocations } = JSON.parse(runs.refused.text("sarif")).runs[0];
    assert.deepEqual(results.map((result) => result.ruleId).sort(), ["definition-missing", "signed-url"]);
    assert.equal(invocations[0].executionSuccessful, true);
    const places = JSON.parse(runs.broken.text("sarif")).runs[0].results.map((result) => result.locations[0]);
    assert.ok(places.every(({ physicalLocation }) => physicalLocation.region.startLine >= 1));
  });

  it("Markdown holds one table with a row for each target, and nothing else that is markup", () => {
    for (const [name, rows] of [["planned", 7], ["applied", 7], ["refused", 5]]) {
      const text = runs[name].text("md");
      const tokens = marked.lexer(text, { gfm: true });
      const tables = tokens.filter((token) => token.type === "table");
      assert.deepEqual(tables.map((table) => table.rows.length), [rows], name);
      assert.ok(tables[0].rows.every((row) => row.length === 6), name);
      assert.equal(tokens[0].type, "heading");
      assert.doesNotMatch(marked.parse(text, { gfm: true }), /<(b|script|em|a|img)\b/, name);
    }
    const [flow] = marked.lexer(runs.planned.text("md"), { gfm: true }).find(({ type }) => type === "table").rows;
    const shown = flow[2].tokens.map((token) => token.text).join("");
    assert.equal(shown, HOSTILE, "the name reads as it was written");
  });

  it("HTML is valid, at every end", async () => {
    const validator = new HtmlValidate({ extends: ["html-validate:standard", "html-validate:a11y"], root: true });
    for (const [name, run] of Object.entries(runs)) {
      const report = await validator.validateFile(run.paths.html);
      const told = report.results.flatMap(({ messages }) => messages.map((one) => `${one.line} ${one.ruleId} ${one.message}`));
      assert.ok(report.valid, `${name}: ${told.join("\n")}`);
    }
  });

  it("the page is accessible, light and dark, wide and narrow and printed, and asks for nothing", async (test) => {
    const opened = await browser(test);
    for (const [name, colorScheme, width, media] of [
      ["refused", "light", 1400, "screen"],
      ["refused", "dark", 1400, "screen"],
      ["applied", "light", 400, "screen"],
      ["applied", "dark", 400, "screen"],
      ["broken", "light", 1400, "screen"],
      ["planned", "dark", 794, "print"],
    ]) {
      const context = await opened.newContext({ colorScheme, viewport: { width, height: 900 } });
      const page = await context.newPage();
      const asked = [];
      page.on("request", (request) => asked.push(request.url()));
      page.on("console", (message) => asked.push(message.text()));
      await page.emulateMedia({ media, colorScheme });
      const address = pathToFileURL(runs[name].paths.html).href;
      await page.goto(address);
      await picture(page, `report-${name}-${colorScheme}-${width}-${media}`);
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      const told = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
      assert.deepEqual(told, [], `${name} ${colorScheme} ${width}`);
      const { wide, ground } = await page.evaluate(() => ({
        wide: document.documentElement.scrollWidth,
        ground: getComputedStyle(document.body).backgroundColor,
      }));
      assert.ok(wide <= width, `${name}: ${wide} is wider than ${width}`);
      const bright = Number(/\d+/.exec(ground)[0]) > 127;
      assert.equal(bright, colorScheme === "light" || media === "print", ground);
      assert.deepEqual(asked, [address], "nothing but the page itself");
      await context.close();
    }
  });
});
