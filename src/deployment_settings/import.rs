//! Finds the flow whose URL each variable of deployment settings holds, and formats these bindings
//! as the text of a manifest.
//!
//! A callback URL does not contain the flow's `workflowid`, and cannot be computed from it. So the
//! current URLs of the environment's flows are compared with those of the file.

use std::fmt::Write as _;

use serde_json::Value;

use super::Settings;
use super::settings::Entry;
use crate::manifest::{Environment, Location, can_name_flow};
use crate::model::{
    Callback, CallbackUrl, Cloud, Desired, JsonPointer, Observed, Oddities, Reading, SchemaName,
    StoredText, StoredUrl, TriggerName, UrlAccess, WorkflowId, is_hidden, printable,
};
use crate::plan::ValueView;

/// The maximum number of characters of a text that is shown.
const MOST_SHOWN: usize = 200;

/// A flow with its current URL.
#[derive(Clone, Debug)]
pub(crate) struct FlowUrl<'run> {
    /// The flow's name in the environment.
    pub name: &'run str,
    /// The id that finds the flow.
    pub workflow_id: WorkflowId,
    /// The trigger's key, where the flow has several.
    pub trigger: Option<&'run TriggerName>,
    /// The URL; none if the service does not tell it to the signed-in user.
    pub url: Option<&'run CallbackUrl>,
}

/// Bindings as the text of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// The manifest; without a binding it has comments alone.
    pub manifest: String,
    /// The number of bindings in it.
    pub bound: usize,
    /// The number of variables and members that it leaves out.
    pub left_out: usize,
}

/// A place in the settings that holds the URL of a flow.
struct BoundPlace<'run> {
    flow: usize,
    variable: &'run str,
    pointer: Option<JsonPointer>,
    kind: UrlAccess,
    /// True if the file's URL is the flow's current URL.
    agrees: bool,
    /// What the text of the file has besides the URL.
    oddities: Oddities,
}

/// A place in the settings for which no binding is made, and the reason.
struct LeftOut {
    place: String,
    reason: String,
}

/// Pairs each flow that was found in the environment with its URL. A flow that was not found is
/// left out; `desired` has no flows that are off.
pub(crate) fn flow_urls<'run>(
    desired: &'run Desired,
    observed: &'run Observed,
) -> Vec<FlowUrl<'run>> {
    let pairs = desired.flows.iter().zip(&observed.flows);
    let pairs = pairs.filter_map(|(flow, seen)| {
        let Reading::Found(workflow) = &seen.workflow else { return None };
        let url = match &seen.callback {
            Some(Callback::Url(url) | Callback::Unconfirmed(url)) => Some(url),
            _ => None,
        };
        let (name, workflow_id) = (workflow.name.as_str(), flow.workflow_id);
        Some(FlowUrl { name, workflow_id, trigger: flow.trigger.as_ref(), url })
    });
    pairs.collect()
}

/// Makes bindings from the settings: from the variables in `only`, or from all if `only` is empty.
pub(crate) fn import_bindings(
    settings: &Settings,
    only: &[SchemaName],
    flows: &[FlowUrl<'_>],
    environment: &Environment,
    cloud: &Cloud,
) -> Import {
    let is_wanted = |entry: &&Entry| {
        only.is_empty() || only.iter().any(|name| entry.name.eq_ignore_ascii_case(name.as_str()))
    };
    let (mut bound, mut left_out) = (Vec::new(), Vec::new());
    for entry in settings.entries().iter().filter(is_wanted) {
        for found in bind_variable(entry, flows, cloud) {
            match found {
                Ok(place) => bound.push(place),
                Err(place) => left_out.push(place),
            }
        }
    }
    let mut manifest = String::new();
    if !bound.is_empty() {
        manifest +=
            &manifest_head(environment, bound.iter().any(|place| place.kind == UrlAccess::Signed));
        manifest += &flow_tables(&bound, flows);
    }
    manifest += &comments(&left_out, flows);
    Import { manifest, bound: bound.len(), left_out: left_out.len() }
}

/// Finds the URLs of flows in one variable, in its whole value or in members of a JSON value, and
/// binds each.
fn bind_variable<'run>(
    entry: &'run Entry,
    flows: &[FlowUrl<'_>],
    cloud: &Cloud,
) -> Vec<Result<BoundPlace<'run>, LeftOut>> {
    let name = entry.name.as_str();
    let text = entry.value.as_ref().map(StoredText::expose);
    if name.parse::<SchemaName>().is_err() {
        return vec![leave_out(name, None, "not a schema name")];
    }
    let urls = find_flow_urls(text.unwrap_or_default(), cloud);
    if urls.is_empty() {
        let shown = ValueView::describe(ValueView::from_text(text, cloud).as_ref());
        return vec![leave_out(name, None, &format!("holds {shown}, not the URL of a flow"))];
    }
    let urls = urls.into_iter();
    urls.map(|(pointer, stored)| bind_url(name, pointer, stored, flows)).collect()
}

/// Binds one URL to the flow that has it.
fn bind_url<'run>(
    variable: &'run str,
    pointer: Option<JsonPointer>,
    StoredUrl { url, oddities }: StoredUrl,
    flows: &[FlowUrl<'_>],
) -> Result<BoundPlace<'run>, LeftOut> {
    let find = |fits: &dyn Fn(&CallbackUrl) -> bool| {
        flows.iter().position(|flow| flow.url.is_some_and(fits))
    };
    let agreeing = find(&|other| url.is_equivalent_to(other) || url.fills_in(other));
    let Some(flow) = agreeing.or_else(|| find(&|other| other.same_trigger_as(&url))) else {
        let view = url.view();
        let shown = format!("{} {} on {}", view.kind, view.fingerprint, view.host);
        let with =
            if oddities.is_empty() { String::new() } else { format!(" (stored with {oddities})") };
        let reason = format!("{shown}{with}: no active flow in the environment has this URL");
        return leave_out(variable, pointer.as_ref(), &reason);
    };
    let kind = flows[flow].url.map_or(UrlAccess::Signed, |url| url.view().kind);
    Ok(BoundPlace { flow, variable, pointer, kind, agrees: agreeing.is_some(), oddities })
}

fn leave_out<T>(name: &str, pointer: Option<&JsonPointer>, reason: &str) -> Result<T, LeftOut> {
    let pointer = pointer.map_or_else(String::new, |pointer| format!("#{pointer}"));
    let place = printable(&format!("{name}{pointer}"), MOST_SHOWN);
    Err(LeftOut { place, reason: printable(reason, MOST_SHOWN) })
}

/// Finds the URLs of the cloud's flow services in a value, each with its pointer in a JSON value.
fn find_flow_urls(text: &str, cloud: &Cloud) -> Vec<(Option<JsonPointer>, StoredUrl)> {
    let of_flow = |text: &str| {
        let stored = StoredUrl::from_text(text)?;
        cloud.serves_callbacks(&stored.url.view().host).then_some(stored)
    };
    if let Some(url) = of_flow(text) {
        return vec![(None, url)];
    }
    let value =
        serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')).unwrap_or_default();
    let mut texts = Vec::new();
    collect_texts(&value, "", &mut texts);
    let urls = texts.iter().filter_map(|(pointer, text)| {
        let pointer = pointer.parse().ok()?;
        Some((Some(pointer), of_flow(text)?))
    });
    urls.collect()
}

/// Collects the texts in a JSON value, each with its pointer.
fn collect_texts<'value>(
    value: &'value Value,
    pointer: &str,
    found: &mut Vec<(String, &'value str)>,
) {
    match value {
        Value::String(text) => found.push((pointer.to_owned(), text)),
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                collect_texts(element, &format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect_texts(member, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Formats a text as a TOML string on one line. Characters that could control a terminal or be a
/// command to a pipeline are escaped (<https://toml.io/en/v1.0.0#string>).
fn toml_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            hidden if is_hidden(hidden) => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(hidden));
            }
            '#' if quoted.ends_with('#') => quoted.push_str("\\u0023"),
            plain => quoted.push(plain),
        }
    }
    quoted + "\""
}

/// Formats a name as a key of TOML, in quotes only if it needs them.
fn toml_key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.chars().all(is_bare) { name.to_owned() } else { toml_string(name) }
}

/// Formats everything before the flows: the version, the environment and the policy.
fn manifest_head(environment: &Environment, signed: bool) -> String {
    let mut text =
        format!("version = 1\n\n[environments.{}]\n", toml_key(&environment_label(environment)));
    let place = match &environment.place {
        Location::Sandbox => "sandbox = true".to_owned(),
        Location::Url(url) => format!("url = {}", toml_string(&url.to_string())),
    };
    let known = [
        ("cloud", &environment.cloud),
        ("client-id", &environment.client_id),
        ("tenant", &environment.tenant),
    ];
    text += &place;
    text.push('\n');
    for (key, value) in known {
        if let Some(value) = value {
            let _ = writeln!(text, "{key} = {}", toml_string(value));
        }
    }
    if signed {
        text += "\n# Some of these URLs are signed: anyone who reads the variable can run the flow.\n[policy]\nsigned-urls = \"warn\"\n";
    }
    text
}

/// Returns the environment's name, or the first label of its host if the manifest does not name it.
fn environment_label(environment: &Environment) -> String {
    match &environment.place {
        Location::Url(url) if environment.name.contains("://") => {
            let label = url.host().split('.').next().unwrap_or_default();
            let is_name = label.starts_with(|c: char| c.is_ascii_alphabetic());
            if is_name { label.to_owned() } else { "local".to_owned() }
        }
        _ => environment.name.clone(),
    }
}

/// Formats the flows, each with its targets, in the order in which the settings mention them.
fn flow_tables(bound: &[BoundPlace<'_>], flows: &[FlowUrl<'_>]) -> String {
    let mut order: Vec<usize> = Vec::new();
    for place in bound {
        if !order.contains(&place.flow) {
            order.push(place.flow);
        }
    }
    let mut text = String::new();
    for flow in order {
        text += &flow_table(&flows[flow]);
        let own = bound.iter().filter(|place| place.flow == flow);
        text.extend(own.map(target_table));
    }
    text
}

fn flow_table(flow: &FlowUrl<'_>) -> String {
    let mut text = "\n[[flow]]\n".to_owned();
    if can_name_flow(flow.name) {
        let _ = writeln!(text, "name = {}", toml_string(flow.name));
    }
    let _ = writeln!(text, "workflow-id = {}", toml_string(&flow.workflow_id.to_string()));
    if let Some(trigger) = flow.trigger {
        let _ = writeln!(text, "trigger = {}", toml_string(trigger.as_str()));
    }
    text
}

fn target_table(place: &BoundPlace<'_>) -> String {
    let mut text = "\n[[flow.target]]\n".to_owned();
    if !place.agrees {
        text += "# The file has an earlier URL of this trigger; `flowbind plan` shows the current one.\n";
    }
    if !place.oddities.is_empty() {
        let _ = writeln!(
            text,
            "# The file has the URL with {}; `flowbind apply` writes it without.",
            place.oddities
        );
    }
    let _ = writeln!(text, "environment-variable = {}", toml_string(place.variable));
    if let Some(pointer) = &place.pointer {
        let _ = writeln!(text, "json-pointer = {}", toml_string(&pointer.to_string()));
    }
    text
}

/// Formats comments on what was left out, and on the flows whose URL is unknown.
fn comments(left_out: &[LeftOut], flows: &[FlowUrl<'_>]) -> String {
    let mut text = String::new();
    if !left_out.is_empty() {
        text += "\n# Left out:\n";
    }
    for LeftOut { place, reason } in left_out {
        let _ = writeln!(text, "# {place}: {reason}");
    }
    let silent: Vec<&FlowUrl<'_>> = flows.iter().filter(|flow| flow.url.is_none()).collect();
    if !silent.is_empty() {
        text += "\n# Flows whose URL cannot be read, usually because the signed-in user does not own them:\n";
    }
    for flow in silent {
        let _ = writeln!(text, "# {} {}", flow.workflow_id, printable(flow.name, MOST_SHOWN));
    }
    text
}
