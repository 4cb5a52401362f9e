//! Holds `src/` to the layers that `docs/architecture.md` describes, and `Cargo.toml` to the
//! dependencies that `docs/decisions/0008-dependencies.md` explains.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of the crate from the ground up, and which of the others each may name.
const LAYERS: &[(&str, &[&str])] = &[
    ("atomic_file", &[]),
    ("model", &[]),
    ("http", &["model"]),
    ("services", &["model", "http"]),
    ("sign_in", &["model", "http", "services", "atomic_file"]),
    ("manifest", &["model"]),
    ("plan", &["model"]),
    ("deployment_settings", &["model", "manifest", "plan"]),
    ("discover", &["model", "http", "services", "sign_in", "plan"]),
    ("apply", &["model", "http", "services", "sign_in", "plan", "discover"]),
    (
        "report",
        &["model", "http", "sign_in", "manifest", "plan", "deployment_settings", "discover"],
    ),
    ("cli", &["model", "plan", "report", "sign_in"]),
    (
        "run",
        &[
            "atomic_file",
            "model",
            "http",
            "services",
            "sign_in",
            "manifest",
            "plan",
            "deployment_settings",
            "discover",
            "apply",
            "report",
            "cli",
        ],
    ),
];

/// Modules at the edge: they may name every other.
const EDGE: &[&str] = &["commands", "main", "lib"];

/// The folder of the sandbox, a crate of its own: the compiler keeps it from naming the client.
const SANDBOX: &str = "sandbox";

/// Words that have no place in a pure module.
const EFFECTS: &[&str] = &[
    "async ",
    "tokio",
    "reqwest",
    "std::fs",
    "std::env",
    "std::net",
    "Instant",
    "SystemTime",
    "rand::",
    "new_v4",
];

/// Modules without any effect.
const PURE: &[&str] = &["model", "manifest", "plan", "deployment_settings"];

/// The one file of a pure room that has a clock: it logs how long a stage took.
const CLOCK: &str = "model/stage.rs";

/// Names that one module alone may use.
const KEPT: &[(&str, &str)] = &[("reqwest", "http"), ("oauth2", "sign_in")];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The code of a file: no comments, and nothing from its tests on.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn is_test(path: &Path) -> bool {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    name == "tests"
        || name == "testing"
        || path.components().any(|part| part.as_os_str() == "tests")
}

/// Each source file with its top module, its code and its name.
fn modules() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // Cargo runs the build script before there is a crate.
    let script = root.join("build.rs");
    let files = sources(&root).into_iter().filter(|path| !is_test(path) && *path != script);
    let module = |path: PathBuf| {
        let inner = path.strip_prefix(&root).unwrap().to_path_buf();
        let top =
            inner.components().next().unwrap().as_os_str().to_string_lossy().replace(".rs", "");
        (top, code(&path), inner.display().to_string())
    };
    files.map(module).collect()
}

/// The modules of the crate that a text names by `crate::`.
fn named(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    code.split("crate::").skip(1).map(word).collect()
}

#[test]
fn every_module_names_only_modules_of_its_own_layer_or_below() {
    let mut wrong = Vec::new();
    for (top, code, file) in modules() {
        if EDGE.contains(&top.as_str()) || top == SANDBOX {
            continue;
        }
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == top) else {
            wrong.push(format!("{file}: `{top}` is in no layer"));
            continue;
        };
        let outside = |name: &String| *name != top && !allowed.contains(&name.as_str());
        wrong.extend(
            named(&code).into_iter().filter(outside).map(|name| format!("{file} names `{name}`")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_stage_of_a_plan_is_planned_in_one_file_and_carried_out_in_another_of_the_same_name() {
    let stages = text("src/plan/stages.rs");
    let variants =
        stages.split("pub enum PlannedStage {").nth(1).unwrap().split("\n}").next().unwrap();
    let names =
        variants.lines().filter_map(|line| line.trim().split_once('(')).map(|(name, _)| name);
    let names: Vec<String> = names.map(str::to_lowercase).collect();
    assert!(!names.is_empty());
    for name in names {
        for room in ["plan", "apply"] {
            let file = format!("src/{room}/{name}.rs");
            assert!(
                Path::new(env!("CARGO_MANIFEST_DIR")).join(&file).exists(),
                "{file} is missing"
            );
        }
    }
}

#[test]
fn only_the_stages_of_an_apply_write() {
    let writes = |(top, code, _): &(String, String, String)| {
        top != "apply" && (code.contains("send_write") || code.contains("change_set(&"))
    };
    let found: Vec<String> = modules().into_iter().filter(writes).map(|(.., file)| file).collect();
    assert_eq!(found, ["sign_in/session.rs"], "a file outside `apply` sends writes");
}

#[test]
fn pure_modules_have_no_effects() {
    let mut wrong = Vec::new();
    let is_pure =
        |(top, _, file): &(String, String, String)| PURE.contains(&top.as_str()) && file != CLOCK;
    for (_, code, file) in modules().into_iter().filter(is_pure) {
        wrong.extend(
            EFFECTS
                .iter()
                .filter(|word| code.contains(*word))
                .map(|word| format!("{file}: {word}")),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_http_client_and_the_oauth_library_are_named_in_one_module_each() {
    let mut wrong = Vec::new();
    for (top, code, file) in modules() {
        let kept =
            KEPT.iter().filter(|(word, home)| top != *home && code.contains(&format!("{word}::")));
        wrong.extend(kept.map(|(word, _)| format!("{file}: {word}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Types whose name stands in two files, since each room has its own.
const TWICE: &[&str] = &["Proof", "Settings"];

/// Words that end like a verb in the third person and are none.
const NO_VERBS: &[&str] =
    &["This", "Its", "Always", "Perhaps", "Besides", "Towards", "Whose", "As"];

/// Returns the item of a line if it declares one of the kinds, such as `fn`.
fn declared<'line>(line: &'line str, kinds: &[&str]) -> Option<&'line str> {
    let mut words = line.split_whitespace();
    let is_before =
        |word: &&str| word.starts_with("pub") || matches!(*word, "const" | "async" | "in");
    let kind = words.by_ref().find(|word| !is_before(word) && !word.ends_with(')'))?;
    let name = words.next().filter(|_| kinds.contains(&kind))?;
    let name = name.split(|c: char| !c.is_alphanumeric() && c != '_').next();
    name.filter(|name| !name.is_empty())
}

/// The functions whose doc does not begin with a verb, each with the first line of its doc.
fn verbless(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut first: Option<&str> = None;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("///") {
            first = first.or(Some(doc.trim()));
        } else if !line.starts_with("#[") {
            let doc = first.take().filter(|_| declared(line, &["fn"]).is_some());
            found.extend(doc.filter(|doc| !begins_with_verb(doc)).map(str::to_owned));
        }
    }
    found
}

fn begins_with_verb(doc: &str) -> bool {
    let word: String = doc.chars().take_while(|c| c.is_alphabetic()).collect();
    let is_capitalised = word.starts_with(|c: char| c.is_uppercase());
    is_capitalised && word.ends_with('s') && !NO_VERBS.contains(&word.as_str())
}

#[test]
fn the_doc_of_every_function_begins_with_a_verb() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root).into_iter().filter(|path| {
        !is_test(path) && !path.components().any(|part| part.as_os_str() == SANDBOX)
    });
    let wrong: Vec<String> = files
        .flat_map(|path| {
            let name = path.display().to_string();
            let docs = verbless(&fs::read_to_string(&path).unwrap());
            docs.into_iter().map(move |doc| format!("{name}: {doc}"))
        })
        .collect();
    assert!(wrong.is_empty(), "begin with a verb, such as `Returns`: {wrong:#?}");
    assert_eq!(verbless("/// What it is.\nfn a() {}\n/// Reads it.\npub fn b() {}").len(), 1);
}

#[test]
fn a_type_has_a_name_of_its_own() {
    let mut homes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, code, file) in modules().into_iter().filter(|(top, ..)| top != SANDBOX) {
        for line in code.lines() {
            let name = declared(line.trim(), &["struct", "enum", "trait"]);
            name.map(|name| homes.entry(name.to_owned()).or_default().insert(file.clone()));
        }
    }
    homes.retain(|name, files| files.len() > 1 && !TWICE.contains(&name.as_str()));
    assert!(homes.is_empty(), "the same name for two things: {homes:#?}");
}

#[test]
fn only_the_run_and_its_command_name_the_sandbox() {
    let apart = |(top, code, _): &(String, String, String)| {
        top != "run" && top != "commands" && top != SANDBOX && code.contains("flowbind_sandbox")
    };
    let wrong: Vec<String> = modules().into_iter().filter(apart).map(|(.., file)| file).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_report_and_main_write_to_a_stream() {
    let words = ["stdout()", "stderr()", "println!", "print!("];
    let writes = |(top, code, _): &(String, String, String)| {
        top != "report" && top != "main" && words.iter().any(|word| code.contains(word))
    };
    let wrong: Vec<String> = modules().into_iter().filter(writes).map(|(.., file)| file).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The macros that log.
const LOGGING: [&str; 12] = [
    "trace!",
    "debug!",
    "info!",
    "warn!",
    "error!",
    "event!",
    "span!",
    "trace_span!",
    "debug_span!",
    "info_span!",
    "warn_span!",
    "error_span!",
];

/// What begins at the first parenthesis, up to the one that closes it.
fn parenthesised(text: &str) -> &str {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 1 => return &text[..at],
            ')' => depth -= 1,
            _ => {}
        }
    }
    text
}

/// A text without what stands between quotation marks.
fn unquoted(text: &str) -> String {
    text.split('"').step_by(2).collect()
}

/// What could put a value into the log by its `Debug`, or arguments that nobody looked at.
fn careless(code: &str) -> Vec<String> {
    let attributes = code.split("#[").skip(1).map(|rest| rest.split(']').next().unwrap());
    let instruments = attributes.filter(|inside| inside.contains("instrument"));
    let mut found: Vec<String> =
        instruments.filter(|inside| !inside.contains("skip_all")).map(str::to_owned).collect();
    for name in LOGGING {
        let called = format!("tracing::{name}");
        let calls = code.split(&called).skip(1).map(parenthesised).map(unquoted);
        found.extend(calls.filter(|call| call.contains('?')));
    }
    // By another name a macro would not be found above, and `field::debug` is another `?`.
    let imported = code.split("use tracing::").skip(1).map(|rest| rest.split(';').next().unwrap());
    let words = |line: &&str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(is_macro);
    found.extend(imported.filter(words).map(str::to_owned));
    found.extend(code.contains("field::debug").then(|| "field::debug".to_owned()));
    found
}

fn is_macro(word: &str) -> bool {
    word == "debug" || LOGGING.iter().any(|name| name.trim_end_matches('!') == word)
}

#[test]
fn nothing_is_logged_by_its_debug_or_as_an_argument_that_nobody_named() {
    let wrong: Vec<_> = modules()
        .into_iter()
        .flat_map(|(_, code, file)| careless(&code).into_iter().map(move |it| (file.clone(), it)))
        .collect();
    assert!(wrong.is_empty(), "log fields by name, and use `skip_all`: {wrong:#?}");
}

#[test]
fn a_careless_line_of_the_log_is_found() {
    for code in [
        "#[tracing::instrument]\nfn f(token: &str) {}",
        "#[instrument(level = \"debug\")]\nfn f() {}",
        "#[tracing::instrument(skip(self))]\nfn f() {}",
        "tracing::info!(?token, \"x\")",
        "tracing::debug_span!(\"x\", answer = ?answer)",
        "tracing::warn!(\n    (a)(b),\n    x = ?c,\n)",
        "use tracing::info;",
        "use tracing::{Span, debug_span};",
        "span.record(\"x\", tracing::field::debug(&x))",
        "use tracing::field::{Empty, debug};",
    ] {
        assert!(!careless(code).is_empty(), "{code}");
    }
    for code in [
        "#[tracing::instrument(skip_all, level = \"debug\")]\nfn f(token: &str) {}",
        "tracing::info!(count, \"what?\"); work()?;",
        "work.instrument(span.clone()).await?",
        "use tracing::{Instrument, Span};",
    ] {
        assert!(careless(code).is_empty(), "{code}: {:?}", careless(code));
    }
}

/// The folders of a checkout that nobody has who installed the program.
const OF_A_CHECKOUT: [&str; 2] = ["docs/", "config/"];

#[test]
fn no_text_of_the_program_points_into_a_checkout() {
    // The tests of the pages that are written from the program's own tables.
    let of_pages = |file: &str| file.ends_with("docs_page.rs");
    let points = |line: &&str| {
        OF_A_CHECKOUT.iter().any(|folder| line.contains(folder)) && !line.contains("include_str!(")
    };
    let mut wrong = Vec::new();
    for (_, code, file) in modules().into_iter().filter(|(.., file)| !of_pages(file)) {
        wrong.extend(code.lines().filter(points).map(|line| format!("{file}: {line}")));
    }
    wrong.extend(text("config/starter.toml").lines().filter(points).map(str::to_owned));
    assert!(wrong.is_empty(), "name `flowbind init` or `docs_page!`: {wrong:#?}");
}

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The crates in the tables of dependencies, at whatever depth of the manifest they are.
fn dependencies(table: &toml::Table) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (key, value) in table {
        match value.as_table() {
            Some(crates) if key.ends_with("dependencies") => found.extend(crates.keys().cloned()),
            Some(inner) => found.extend(dependencies(inner)),
            None => (),
        }
    }
    found
}

/// The crates that a row begins with, each in backticks, and has a reason for.
fn explained(document: &str) -> Vec<String> {
    let row = |line: &str| {
        let (name, reason) = line.strip_prefix("| `")?.split_once("` | ")?;
        (reason.len() > " |".len()).then(|| name.to_owned())
    };
    document.lines().filter_map(row).collect()
}

#[test]
fn every_direct_dependency_is_explained_once_and_no_other_is() {
    let there = dependencies(&text("Cargo.toml").parse().unwrap());
    let explained = explained(&text("docs/decisions/0008-dependencies.md"));
    let once: BTreeSet<String> = explained.iter().cloned().collect();
    assert_eq!(once, there);
    assert_eq!(explained.len(), once.len());
}

/// The names of tests in the last column of a page's tables, or anywhere in its rows.
fn named_tests(page: &str) -> Vec<String> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let is_name = |word: &&str| {
        word.matches('_').count() >= 3
            && word.chars().all(|character| character.is_ascii_lowercase() || character == '_')
    };
    quoted.filter(is_name).map(str::to_owned).collect()
}

#[test]
fn the_tests_that_the_promises_name_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = sources(&root.join("src")).into_iter().chain(sources(&root.join("tests")));
    let code: String = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    for page in ["docs/reliability.md", "docs/threat-model.md"] {
        let named = named_tests(&text(page));
        assert!(named.len() > 8, "{page}: {named:?}");
        let missing: Vec<&String> =
            named.iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
        assert!(missing.is_empty(), "{page}: {missing:#?}");
    }
}

/// The path of modules that leads to a file, such as `["run", "process"]`.
fn module_path(file: &str) -> Vec<String> {
    let parts = file.trim_end_matches(".rs").split('/').map(str::to_owned);
    parts.filter(|part| part != "mod").collect()
}

/// The paths of a `use` tree or of an expression, without braces.
fn flattened(tree: &str) -> Vec<String> {
    let Some((start, inner)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut branches) = (0, vec![String::new()]);
    for character in inner.chars() {
        match character {
            ',' if depth == 0 => branches.push(String::new()),
            _ => {
                depth += i32::from(character == '{') - i32::from(character == '}');
                branches.last_mut().unwrap().push(character);
            }
        }
    }
    let branches = branches.iter().filter(|branch| !branch.trim().is_empty());
    branches.flat_map(|branch| flattened(&format!("{}{}", start.trim(), branch.trim()))).collect()
}

/// The path of a module or an item from the crate.
type ItemPath = Vec<String>;

/// The `use` trees of a file, each with whether it re-exports, and the code without them.
fn split_uses(code: &str) -> (Vec<(bool, String)>, String) {
    let (mut uses, mut rest) = (Vec::new(), String::new());
    for statement in code.split(';') {
        let is_use = |line: &&str| {
            line.starts_with("use ") || line.starts_with("pub") && line.contains(" use ")
        };
        let begin = statement.lines().map(str::trim).find(is_use);
        let Some((before, tree)) = begin.and_then(|line| {
            statement.split_once(line).map(|(before, after)| (before, [line, after].concat()))
        }) else {
            rest += statement;
            continue;
        };
        rest += before;
        let (visibility, tree) = tree.split_once("use ").unwrap();
        uses.push((!visibility.is_empty(), tree.to_owned()));
    }
    (uses, rest)
}

/// The path from the crate of a path that a file names; none if it leads out of the crate.
fn from_crate(path: &str, module: &[String], known: &BTreeSet<ItemPath>) -> Option<ItemPath> {
    let path = path.split(" as ").next().unwrap();
    let mut parts: Vec<String> = path.split("::").map(str::to_owned).collect();
    let mut base = module.to_vec();
    match parts[0].as_str() {
        "crate" => {
            base.clear();
            parts.remove(0);
        }
        "self" => {
            parts.remove(0);
        }
        "super" => (),
        child if known.contains(&[module, &[child.to_owned()]].concat()) => (),
        _ => return None,
    }
    while parts.first().is_some_and(|part| part == "super") {
        base.pop();
        parts.remove(0);
    }
    base.extend(parts);
    Some(base)
}

/// The paths that stand for others: each re-export with what it re-exports.
fn re_exports(
    files: &[(ItemPath, String)],
    known: &BTreeSet<ItemPath>,
) -> BTreeMap<ItemPath, ItemPath> {
    let of_file = |(module, code): &(ItemPath, String)| {
        let (uses, _) = split_uses(code);
        let trees = uses.into_iter().filter(|(is_public, _)| *is_public);
        let paths = trees.flat_map(|(_, tree)| flattened(&tree));
        let pair = |path: String| {
            let name = path.rsplit([':', ' ']).next().unwrap().to_owned();
            Some(([&module[..], &[name]].concat(), from_crate(&path, module, known)?))
        };
        paths.filter_map(pair).collect::<Vec<_>>()
    };
    files.iter().flat_map(of_file).collect()
}

/// The files that each file of some rooms depends on, by way of re-exports too. A re-export itself
/// counts for nobody.
fn dependencies_of_files(rooms: &[&str]) -> Vec<(ItemPath, BTreeSet<ItemPath>)> {
    let files: Vec<_> = modules()
        .into_iter()
        .filter(|(top, ..)| rooms.contains(&top.as_str()))
        .map(|(_, code, file)| (module_path(&file), code))
        .collect();
    let known: BTreeSet<ItemPath> = files.iter().map(|(path, _)| path.clone()).collect();
    let re_exports = re_exports(&files, &known);
    let longest_prefix = |path: &ItemPath, is_there: &dyn Fn(&[String]) -> bool| {
        (1..=path.len()).rev().find(|end| is_there(&path[..*end]))
    };
    let file_of = |mut path: ItemPath| {
        while let Some(end) = longest_prefix(&path, &|path| re_exports.contains_key(path)) {
            let whole = &re_exports[&path[..end]];
            // The item of a module with the same name, such as `nearest::nearest`.
            if whole.starts_with(&path[..end]) {
                break;
            }
            path = [whole, &path[end..]].concat();
        }
        longest_prefix(&path, &|path| known.contains(path)).map(|end| path[..end].to_vec())
    };
    let edges = |(module, code): &(ItemPath, String)| {
        let (uses, rest) = split_uses(code);
        let trees = uses.into_iter().filter(|(is_public, _)| !is_public);
        let named = trees.flat_map(|(_, tree)| flattened(&tree));
        let is_end = |c: char| !c.is_alphanumeric() && c != '_' && c != ':';
        let inline = rest.split(is_end).filter(|path| path.contains("::")).map(str::to_owned);
        let named = named.chain(inline).filter_map(|path| from_crate(&path, module, &known));
        (module.clone(), named.filter_map(file_of).filter(|found| found != module).collect())
    };
    files.iter().map(edges).collect()
}

#[test]
fn no_file_depends_on_itself_by_way_of_others() {
    let rooms: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).chain(["commands"]).collect();
    let mut left = dependencies_of_files(&rooms);
    assert!(left.iter().map(|(_, named)| named.len()).sum::<usize>() > 30, "nothing was found");
    loop {
        let before = left.len();
        let names: BTreeSet<ItemPath> = left.iter().map(|(path, _)| path.clone()).collect();
        left.retain(|(_, named)| named.iter().any(|path| names.contains(path)));
        if left.len() == before {
            break;
        }
    }
    assert!(left.is_empty(), "these files depend on each other: {left:#?}");
}
