//! How long a plan takes to think through, and a manifest to read, from a hundred bindings to a hundred
//! thousand. What a binding costs shows whether the time grows in proportion to the work.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints what it measures, and fails by panicking"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use flowbind::domain::{Clouds, SchemaName};
use flowbind::manifest::Manifest;
use flowbind::plan::plan;
use flowbind::state::{
    Callback, Definition, FlowState, Observed, ObservedFlow, Reading, Targets, Trigger, Variable,
    VariableType, Workflow,
};

/// How many bindings there are, each of a flow of its own to a variable of its own.
const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

/// How often each size is measured; the median counts.
const ROUNDS: usize = 11;

fn main() {
    let clouds = Clouds::embedded().unwrap();
    println!("{:>9} {:>13} {:>11} {:>13} {:>11}", "bindings", "plan", "each", "manifest", "each");
    for size in SIZES {
        let text = manifest(size);
        let read = || Manifest::parse(text.as_bytes(), &clouds).unwrap();
        let (manifest, observed) = (read(), observed(size));
        let desired = manifest.desired();
        let cloud = clouds.named("public").unwrap();
        assert_eq!(plan(desired, &observed, cloud).changes.len(), size);
        let planning = median(|| drop(black_box(plan(black_box(desired), &observed, cloud))));
        let reading = median(|| drop(black_box(read())));
        println!(
            "{size:>9} {planning:>13.2?} {:>11.2?} {reading:>13.2?} {:>11.2?}",
            each(planning, size),
            each(reading, size),
        );
    }
}

fn each(time: Duration, size: usize) -> Duration {
    time / u32::try_from(size).unwrap()
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            work();
            begin.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn name(number: usize) -> String {
    format!("contoso_Flow{number:06}Url")
}

fn manifest(size: usize) -> String {
    let mut text = "version = 1\n[environments.sandbox]\nsandbox = true\n".to_owned();
    for number in 0..size {
        let (id, name) = (id(number), name(number));
        write!(text, "[[flow]]\nname = \"Flow {number}\"\nworkflow-id = \"{id}\"\n").unwrap();
        write!(text, "[[flow.target]]\nenvironment-variable = \"{name}\"\n").unwrap();
    }
    text
}

/// An environment in which every flow is on and no variable has a value.
fn observed(size: usize) -> Observed {
    let variables = (0..size).map(variable).collect();
    let targets = Targets { variables, ..Targets::default() };
    Observed { flows: (0..size).map(flow).collect(), targets }
}

fn flow(number: usize) -> ObservedFlow {
    let trigger = Trigger {
        name: "manual".parse().unwrap(),
        trigger_type: "Request".into(),
        kind: Some("Http".into()),
    };
    let workflow = Workflow {
        name: format!("Flow {number}"),
        category: 5,
        state: FlowState::Activated,
        resource_id: None,
        definition: Definition::Triggers(vec![trigger]),
    };
    let host = "3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com:443";
    let url = format!(
        "https://{host}/powerautomate/automations/direct/workflows/{number:032}/triggers/manual/paths/invoke?api-version=1"
    );
    let callback = Some(Callback::Url(url.parse().unwrap()));
    ObservedFlow { workflow: Reading::Found(workflow), callback, request_id: None }
}

fn variable(number: usize) -> (SchemaName, Reading<Variable>) {
    let schema_name: SchemaName = name(number).parse().unwrap();
    let variable = Variable {
        definition: id(number).parse().unwrap(),
        schema_name: schema_name.clone(),
        variable_type: VariableType::String,
        default: None,
        values: Vec::new(),
    };
    (schema_name, Reading::Found(variable))
}
