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

use flowbind::manifest::Manifest;
use flowbind::model::{
    Callback, Clouds, Definition, EntityTag, FlowState, Observed, ObservedFlow, Reading,
    StoredText, Targets, Trigger, ValueRow, Variable, VariableType, Workflow,
};
use flowbind::plan::plan;

/// What is planned, for some numbers of bindings.
struct Shape {
    name: &'static str,
    sizes: [usize; 4],
    /// How many of the bindings each flow has.
    each_flow: usize,
    /// Where a binding leads, as a manifest says it.
    target: fn(usize) -> String,
    /// The variables for so many bindings.
    variables: fn(usize) -> Vec<Variable>,
}

/// From a hundred to a hundred thousand bindings.
const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];

/// What is measured.
const SHAPES: [Shape; 4] = [
    Shape {
        name: "a variable for each flow",
        sizes: SIZES,
        each_flow: 1,
        target: variable_target,
        variables: |size| (0..size).map(|number| variable(number, None)).collect(),
    },
    Shape {
        name: "all agreed",
        sizes: SIZES,
        each_flow: 1,
        target: variable_target,
        variables: |size| (0..size).map(|number| variable(number, Some(url(number)))).collect(),
    },
    Shape {
        name: "fifty for each flow",
        sizes: SIZES,
        each_flow: 50,
        target: variable_target,
        variables: |size| (0..size).map(|number| variable(number, None)).collect(),
    },
    Shape {
        name: "members of one variable",
        sizes: [50, 500, 5_000, 50_000],
        each_flow: 1,
        target: |number| format!("{}\njson-pointer = \"/urls/{number}x\"", variable_target(0)),
        variables: |size| vec![json_variable(size)],
    },
];

/// How often each size is measured. The least time counts: what else the machine does only adds to it.
const ROUNDS: usize = 11;

fn main() {
    let clouds = Clouds::embedded().unwrap();
    for shape in &SHAPES {
        println!("{}", shape.name);
        println!(
            "{:>9} {:>13} {:>11} {:>13} {:>11}",
            "bindings", "plan", "each", "manifest", "each"
        );
        shape.sizes.iter().for_each(|size| measure(shape, *size, &clouds));
    }
}

fn measure(shape: &Shape, size: usize, clouds: &Clouds) {
    let text = shape.manifest(size);
    let read = || Manifest::parse(text.as_bytes(), clouds).unwrap();
    let (manifest, observed) = (read(), shape.observed(size));
    let desired = manifest.desired();
    let cloud = clouds.get("public").unwrap();
    assert_eq!(plan(desired, &observed, cloud).changes.len(), size);
    let planning = least(|| drop(black_box(plan(black_box(desired), &observed, cloud))));
    let reading = least(|| drop(black_box(read())));
    println!(
        "{size:>9} {planning:>13.2?} {:>11.2?} {reading:>13.2?} {:>11.2?}",
        each(planning, size),
        each(reading, size),
    );
}

fn each(time: Duration, size: usize) -> Duration {
    time / u32::try_from(size).unwrap()
}

fn least(mut work: impl FnMut()) -> Duration {
    let time = |_| {
        let begin = Instant::now();
        work();
        begin.elapsed()
    };
    (0..ROUNDS).map(time).min().unwrap_or_default()
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn name(number: usize) -> String {
    format!("contoso_Flow{number:06}Url")
}

fn variable_target(number: usize) -> String {
    format!("environment-variable = \"{}\"", name(number))
}

impl Shape {
    fn manifest(&self, size: usize) -> String {
        let mut text = "version = 1\n[environments.sandbox]\nsandbox = true\n".to_owned();
        for number in 0..size {
            if number % self.each_flow == 0 {
                let flow = number / self.each_flow;
                let id = id(flow);
                write!(text, "[[flow]]\nname = \"Flow {flow}\"\nworkflow-id = \"{id}\"\n").unwrap();
            }
            let target = (self.target)(number);
            write!(text, "[[flow.target]]\n{target}\n").unwrap();
        }
        text
    }

    /// An environment in which every flow is on.
    fn observed(&self, size: usize) -> Observed {
        let variables = (self.variables)(size).into_iter();
        let found = |variable: Variable| (variable.schema_name.clone(), Reading::Found(variable));
        let targets = Targets { variables: variables.map(found).collect(), ..Targets::default() };
        Observed { flows: (0..size.div_ceil(self.each_flow)).map(flow).collect(), targets }
    }
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
    let callback = Some(Callback::Url(url(number).parse().unwrap()));
    ObservedFlow { workflow: Reading::Found(workflow), callback, request_id: None }
}

fn url(number: usize) -> String {
    let host = "3d5b2f8417ce4e099b6ac80d4f7e21.a6.environment.api.powerplatform.com:443";
    format!(
        "https://{host}/powerautomate/automations/direct/workflows/{number:032}/triggers/manual/paths/invoke?api-version=1"
    )
}

fn variable(number: usize, value: Option<String>) -> Variable {
    let row = |text| ValueRow {
        id: id(number).parse().unwrap(),
        tag: EntityTag::new("W/\"1\"").unwrap(),
        text: Some(StoredText::new(text)),
    };
    Variable {
        definition: id(number).parse().unwrap(),
        schema_name: name(number).parse().unwrap(),
        variable_type: VariableType::String,
        default: None,
        values: value.map(row).into_iter().collect(),
    }
}

/// A JSON variable with so many members, of which every second one has another flow's URL.
fn json_variable(size: usize) -> Variable {
    let member = |number: usize| format!("\"{number}x\": \"{}\"", url(number + 1));
    let members: Vec<String> = (0..size).step_by(2).map(member).collect();
    let text = format!("{{\"urls\": {{{}}}, \"other\": 1.10}}", members.join(",\n"));
    Variable { variable_type: VariableType::Json, ..variable(0, Some(text)) }
}
