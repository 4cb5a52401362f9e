//! A run as a JUnit report: the environment is a suite, each binding a test case.
//!
//! In the format that Jenkins reads
//! (<https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd>)
//! and Azure DevOps and GitLab with it.

use std::collections::HashMap;
use std::io::{self, Write};

use super::markup::Markup;
use crate::discover::probe::Probed;
use crate::model::{Problem, escape_hidden};
use crate::plan::{Change, TargetResult, TargetState};
use crate::report::run::is_change;
use crate::report::wording::{
    answer, change_text, consequence, drift_text, headline, moment, outcome_of, place, reason_text,
    safe_text, seconds, verdict,
};
use crate::report::{Outcome, Run, RunCommand, VERSION};

/// The class name of cases about the manifest.
const MANIFEST: &str = "flowbind.manifest";

/// The class name of cases about the run itself.
const RUN: &str = "flowbind.run";

/// The result of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CaseResult {
    Passed,
    Skipped,
    Failed,
    Broken,
}

/// A test case: a binding, or another subject of a problem.
struct Case<'run> {
    name: String,
    class: String,
    change: Option<&'run Change>,
    problems: Vec<&'run Problem>,
    warnings: Vec<&'run Problem>,
    probes: Vec<&'run Probed>,
}

/// The cases in their order, found by their names.
#[derive(Default)]
struct Cases<'run> {
    all: Vec<Case<'run>>,
    places: HashMap<String, usize>,
}

/// Writes the run as a JUnit report.
pub(crate) fn write(run: &Run<'_>, mut to: impl Write) -> io::Result<()> {
    let (cases, broken) = (cases(run), failure_case(run));
    let ends =
        cases.iter().map(|case| case.end(run)).chain(broken.iter().map(|_| CaseResult::Broken));
    let ends: Vec<CaseResult> = ends.collect();
    let nodes = cases.iter().map(|case| case.node(run)).chain(broken);
    let suite = suite(run, &ends, nodes);
    let title = format!("flowbind {}", run.command.as_str());
    let attributes = totals(&title, run, &ends);
    // What Jenkins knows of the outer element.
    let outer: Vec<_> = attributes.iter().filter(|(name, _)| *name != "skipped").collect();
    let outer: Vec<(&str, &str)> = outer.iter().map(|(name, value)| (*name, &**value)).collect();
    let suites = Markup::element("testsuites", &outer, suite);
    writeln!(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{suites}")
}

/// Renders the environment as a suite with its cases.
fn suite(run: &Run<'_>, ends: &[CaseResult], nodes: impl Iterator<Item = Markup>) -> Markup {
    let name = run.environment.map_or("flowbind", |environment| environment.name);
    let mut attributes = totals(&safe_text(name), run, ends);
    attributes.push(("timestamp", moment(run.started).trim_end_matches('Z').to_owned()));
    let attributes: Vec<(&str, &str)> =
        attributes.iter().map(|(name, value)| (*name, &**value)).collect();
    let content = Markup::lines([properties(run)].into_iter().chain(nodes));
    Markup::element("testsuite", &attributes, content)
}

/// Returns the attributes of a suite: its name, the numbers of its cases by result, and its
/// duration.
fn totals(name: &str, run: &Run<'_>, ends: &[CaseResult]) -> Vec<(&'static str, String)> {
    let count = |wanted| ends.iter().filter(|end| **end == wanted).count().to_string();
    vec![
        ("name", name.to_owned()),
        ("tests", ends.len().to_string()),
        ("failures", count(CaseResult::Failed)),
        ("errors", count(CaseResult::Broken)),
        ("skipped", count(CaseResult::Skipped)),
        ("time", seconds(run.duration)),
    ]
}

/// Renders the properties of the whole run.
fn properties(run: &Run<'_>) -> Markup {
    let mut facts = vec![
        ("flowbind.version", VERSION.to_owned()),
        ("flowbind.command", run.command.as_str().to_owned()),
        ("flowbind.outcome", run.outcome.as_str().to_owned()),
        ("flowbind.started", moment(run.started)),
        ("flowbind.file", escape_hidden(run.source)),
    ];
    facts.extend(run.environment.map(|environment| ("flowbind.url", environment.url.to_string())));
    facts.extend(run.user.map(|user| ("flowbind.user", safe_text(user))));
    let property = |(name, value): (&str, String)| {
        Markup::empty("property", &[("name", name), ("value", &value)])
    };
    Markup::element("properties", &[], Markup::all(facts.into_iter().map(property)))
}

/// Collects a case for each change, and one for each other subject of a problem or a warning.
fn cases<'run>(run: &'run Run<'_>) -> Vec<Case<'run>> {
    let mut cases = Cases::default();
    run.changes().iter().map(Case::from_change).for_each(|case| cases.add(case));
    for problem in run.problems() {
        cases.case_for(problem).problems.push(problem);
    }
    for warning in run.warnings() {
        cases.case_for(warning).warnings.push(warning);
    }
    for probed in run.probes().unwrap_or_default() {
        for (address, _) in &probed.targets {
            cases.probed(&safe_text(address), probed);
        }
    }
    cases.all
}

impl<'run> Cases<'run> {
    /// Adds a case. A name shared by several cases finds the first.
    fn add(&mut self, case: Case<'run>) {
        self.places.entry(case.name.clone()).or_insert(self.all.len());
        self.all.push(case);
    }

    /// Returns the case for a problem's target, and adds the case if it is missing. Problems
    /// without a target share one case for each code, since line numbers change from run to run.
    fn case_for(&mut self, problem: &Problem) -> &mut Case<'run> {
        let about = problem.address.as_deref().map(safe_text);
        let name = about.unwrap_or_else(|| problem.code.as_str().to_owned());
        let index = self.places.get(&name).copied().unwrap_or_else(|| {
            let other = if problem.site.is_some() { MANIFEST } else { RUN };
            let class = problem.address.as_deref().map_or_else(|| other.to_owned(), class);
            self.add(Case::named(name, class));
            self.all.len() - 1
        });
        &mut self.all[index]
    }

    /// Adds a probe to the case of a target, if there is one.
    fn probed(&mut self, name: &str, probed: &'run Probed) {
        if let Some(index) = self.places.get(name) {
            self.all[*index].probes.push(probed);
        }
    }
}

/// Returns the class name of an address: its kind, which stays when a flow is renamed. Readers of
/// JUnit take each dot for the end of a package name.
fn class(address: &str) -> String {
    let kind = address.split_once('/').map_or("target", |(kind, _)| kind);
    format!("flowbind.{}", safe_text(kind))
}

impl<'run> Case<'run> {
    fn named(name: String, class: String) -> Self {
        Self {
            name,
            class,
            change: None,
            problems: Vec::new(),
            warnings: Vec::new(),
            probes: Vec::new(),
        }
    }

    fn from_change(change: &'run Change) -> Self {
        let case = Self::named(safe_text(&change.address), class(&change.address));
        Self { change: Some(change), ..case }
    }

    /// Checks if the run has a change to make to the target.
    fn is_pending(&self) -> bool {
        self.change.is_some_and(is_change)
    }

    fn end(&self, run: &Run<'_>) -> CaseResult {
        if !self.problems.is_empty() {
            return CaseResult::Failed;
        }
        match self.result(run).map(|result| result.state) {
            Some(TargetState::Refused) => return CaseResult::Failed,
            Some(TargetState::Written) => return CaseResult::Passed,
            Some(_) if run.outcome == Outcome::Unknown => return CaseResult::Broken,
            _ => (),
        }
        match run.outcome {
            _ if !self.is_pending() => CaseResult::Passed,
            Outcome::Applied | Outcome::Agreed | Outcome::Exported => CaseResult::Passed,
            Outcome::Drifted => CaseResult::Failed,
            Outcome::Planned | Outcome::Refused | Outcome::NotReady => CaseResult::Skipped,
            Outcome::Unknown => CaseResult::Broken,
        }
    }

    /// Returns the result of the target, if its write was sent and not verified.
    fn result<'a>(&self, run: &'a Run<'_>) -> Option<&'a TargetResult> {
        run.result_of(self.change?)
    }

    fn node(&self, run: &Run<'_>) -> Markup {
        let attributes = [("name", &*self.name), ("classname", &*self.class), ("time", "0")];
        let verdict = self.failure(run.source).or_else(|| self.verdict(run));
        let mut parts: Vec<Markup> = verdict.into_iter().collect();
        let told = self.system_out(run);
        if !told.is_empty() {
            parts.push(Markup::element("system-out", &[], Markup::text(&told)));
        }
        Markup::element("testcase", &attributes, Markup::all(parts))
    }

    /// Renders the failure of a case with problems, as one element, since most readers show only
    /// the first element.
    fn failure(&self, file: &str) -> Option<Markup> {
        let first = self.problems.first()?;
        let texts = self.problems.iter().map(|problem| explained(problem, file));
        let text = texts.collect::<Vec<_>>().join("\n\n");
        let attributes = [("message", &*safe_text(&first.message)), ("type", first.code.as_str())];
        Some(Markup::element("failure", &attributes, Markup::text(&text)))
    }

    /// Renders the reason why a case without problems did not pass; nothing if it passed.
    fn verdict(&self, run: &Run<'_>) -> Option<Markup> {
        let change = self.change?;
        let (name, kind) = match self.end(run) {
            CaseResult::Passed => return None,
            CaseResult::Skipped => {
                let message = format!("{}: {}", verdict(run, change), change.reason);
                return Some(Markup::empty("skipped", &[("message", &safe_text(&message))]));
            }
            CaseResult::Failed if self.result(run).is_some() => ("failure", "refused"),
            CaseResult::Failed => ("failure", "drift"),
            CaseResult::Broken => ("error", "unknown"),
        };
        let result = self.result(run).map(outcome_of);
        let message = safe_text(&result.unwrap_or_else(|| change.reason.to_string()));
        Some(Markup::element(
            name,
            &[("message", &message), ("type", kind)],
            Markup::text(&line(run, change)),
        ))
    }

    /// Formats the output of the case: its flow, change, probes and warnings.
    fn system_out(&self, run: &Run<'_>) -> String {
        let flow = self.change.map(|change| format!("flow: {}", safe_text(&change.flow_name)));
        let change = self.change.map(|change| line(run, change));
        let probes = self.probes.iter().map(|probed| probe(probed));
        let warnings = self.warnings.iter().map(|warning| explained(warning, run.source));
        let change = flow.into_iter().chain(change);
        change.chain(probes).chain(warnings).collect::<Vec<_>>().join("\n")
    }
}

/// Formats a change, or the result of a check, as one line.
fn line(run: &Run<'_>, change: &Change) -> String {
    let told = match (&run.command, is_change(change)) {
        (RunCommand::Check(_), true) => drift_text(change),
        (RunCommand::Check(_), false) => reason_text(change),
        _ => change_text(change),
    };
    format!("{}: {}", verdict(run, change), safe_text(&told))
}

/// Formats the result of a probe as one line.
fn probe(probed: &Probed) -> String {
    format!("probe: {}: {}", probed.result.as_str(), safe_text(answer(probed)))
}

/// Formats a problem with its place and its remedy.
fn explained(problem: &Problem, file: &str) -> String {
    let head = format!("{}: {}", problem.code, safe_text(&problem.message));
    let place = place(problem, file).map(|place| format!("at {place}"));
    let hint = (!problem.hint.is_empty()).then(|| format!("help: {}", safe_text(&problem.hint)));
    [Some(head), place, hint].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// Renders a case for the error that ended the run early, if there is one.
fn failure_case(run: &Run<'_>) -> Option<Markup> {
    let failure = run.failure?;
    let hints = failure.help().map(|hint| format!("help: {hint}"));
    let lines = [safe_text(&failure.message), format!("{}. {}", headline(run), consequence(run))];
    let text = lines.into_iter().chain(hints).collect::<Vec<_>>().join("\n");
    let kind = format!("exit-code-{}", failure.exit as u8);
    let attributes = [("message", &*safe_text(&failure.message)), ("type", &*kind)];
    let error = Markup::element("error", &attributes, Markup::text(&text));
    let name = format!("flowbind {}", run.command.as_str());
    Some(Markup::element("testcase", &[("name", &*name), ("classname", RUN), ("time", "0")], error))
}
