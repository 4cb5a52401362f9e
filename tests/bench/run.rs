//! How long runs take, over how long they would if nothing but round trips took time: plan, apply, and
//! an apply that finds nothing to do, each against a sandbox in another process whose answers are
//! held back; and an apply on services that turn requests away or are slow.
//!
//! ```text
//! cargo bench --bench run                                   1, 20, 200 and 2,000 flows
//! cargo bench --bench run -- --flows 200 --rounds 9
//! cargo bench --bench run -- --flows 20 --targets-per-flow 50
//! cargo bench --bench run -- --latency 20 --concurrency 8
//! cargo bench --bench run -- --strained                     services with limits and faults
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails by panicking"
)]

mod world;

use std::time::Duration;

use world::{Run, Served, World};

/// How many flows and variables go into one request.
const CHUNKS: Chunks = Chunks { flows: 20, variables: 100 };

/// How many requests of a window a limited Flow service carries out, and how long the window is.
const WINDOW: (usize, Duration) = (200, Duration::from_secs(5));

/// How long the service that turns every second request away wants to be left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// How much later the slow answer comes.
const DELAY: Duration = Duration::from_secs(3);

struct Chunks {
    flows: usize,
    variables: usize,
}

/// What is measured, as the command line says.
struct Settings {
    flows: Vec<usize>,
    targets_per_flow: usize,
    latency: Duration,
    concurrency: usize,
    rounds: usize,
    strained: bool,
}

/// The kinds of runs.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plan,
    Apply,
    Agreed,
}

/// Services that turn requests away or are slow, and the shortest time in which they let an apply end.
struct Strain {
    name: String,
    flows: usize,
    /// What each round adds to the tenant.
    tenants: Vec<String>,
    best: Duration,
}

fn main() {
    let settings = Settings::read();
    println!(
        "{:<18} {:>6} {:>10} {:>10} {:>6} {:>10} {:>6} {:>6}",
        "run", "flows", "wall", "ideal", "ratio", "dataverse", "flow", "entra"
    );
    if settings.strained {
        settings.strains().iter().for_each(|strain| settings.measure_strained(strain));
    } else {
        settings.flows.iter().for_each(|flows| settings.measure(*flows));
    }
}

impl Settings {
    /// Measures every kind of run on that many flows.
    fn measure(&self, flows: usize) {
        let mut runs = [const { Vec::new() }; 3];
        for _ in 0..self.rounds {
            let world = self.world(flows, "");
            for (kind, runs) in Kind::ALL.into_iter().zip(&mut runs) {
                runs.push(self.run(&world, kind));
            }
        }
        for (kind, runs) in Kind::ALL.into_iter().zip(runs) {
            let ideal = self.ideal(kind, flows, self.concurrency);
            tell(kind.name(), flows, ideal, runs);
        }
    }

    /// Measures an apply on services under strain.
    fn measure_strained(&self, strain: &Strain) {
        let run = |tenant: &String| self.run(&self.world(strain.flows, tenant), Kind::Apply);
        tell(&strain.name, strain.flows, strain.best, strain.tenants.iter().map(run).collect());
    }

    fn world(&self, flows: usize, strain: &str) -> World {
        let Self { targets_per_flow, latency, .. } = *self;
        World::start(&Served { flows, targets_per_flow, latency, strain })
    }

    fn run(&self, world: &World, kind: Kind) -> Run {
        let concurrency = self.concurrency.to_string();
        let options = [&["--concurrency", &concurrency], kind.options()].concat();
        world.run(kind.command(), &options)
    }

    /// The time of the longest chain of requests that depend on each other: the challenge, a token,
    /// the flows, the rounds of their URLs, and, for a write, its change set and the rounds of its
    /// verification.
    fn ideal(&self, kind: Kind, flows: usize, at_once: usize) -> Duration {
        let targets = flows * self.targets_per_flow;
        let variables = targets.div_ceil(CHUNKS.variables);
        let reads = (1 + flows.div_ceil(CHUNKS.flows) + variables).div_ceil(at_once);
        let read = 2 + reads.max(1 + flows.div_ceil(at_once));
        let write = 1 + variables.div_ceil(at_once);
        let chain = read + if kind == Kind::Apply { write } else { 0 };
        self.latency * u32::try_from(chain).unwrap()
    }

    fn strains(&self) -> Vec<Strain> {
        let mut strains = vec![Self::window(), self.every_second(), self.one_slow()];
        strains.extend([8, 12, 20].map(|most| self.at_once(most)));
        strains
    }

    /// Services that carry out so many requests at once.
    fn at_once(&self, most: usize) -> Strain {
        let flows = 1_000;
        let limit = |of| format!("[throttling.{of}]\nconcurrent = {most}\n");
        Strain {
            name: format!("{most} at once"),
            flows,
            tenants: vec![limit("dataverse") + &limit("flow")],
            best: self.ideal(Kind::Apply, flows, most.min(self.concurrency)),
        }
    }

    /// A Flow service that carries out so many requests in a window.
    fn window() -> Strain {
        let (requests, window) = WINDOW;
        let (flows, seconds) = (1_000, window.as_secs());
        Strain {
            name: format!("{requests} in {seconds} s"),
            flows,
            tenants: vec![format!(
                "[throttling.flow]\nrequests = {requests}\nwindow = {seconds}\n"
            )],
            best: window * u32::try_from((flows - 1) / requests).unwrap(),
        }
    }

    /// A Flow service that turns away half of all requests by chance, so that half of those under
    /// way are carried out between two pauses.
    fn every_second(&self) -> Strain {
        let flows = 200;
        let fault = "[[fault]]\nservice = \"flow\"\nstatus = 429\nprobability = 0.5\n";
        let fault = format!("{fault}retry-after = {}\n", PAUSE.as_secs());
        let mut left = flows;
        let waves = std::iter::from_fn(|| {
            left -= self.concurrency.min(left).div_ceil(2);
            (left > 0).then_some(left)
        });
        Strain {
            name: "every second".to_owned(),
            flows,
            best: (PAUSE + self.latency) * u32::try_from(waves.count()).unwrap(),
            tenants: (1..=5).map(|seed| format!("{fault}seed = {seed}\n")).collect(),
        }
    }

    /// A first URL that comes late, which those of the other flows do not wait for.
    fn one_slow(&self) -> Strain {
        let flows = 200;
        let fault = "[[fault]]\npath-contains = \"listCallbackUrl\"\nnth = 1\naction = \"delay\"\n";
        Strain {
            name: "one slow answer".to_owned(),
            flows,
            tenants: vec![format!("{fault}service = \"flow\"\ndelay = {}\n", DELAY.as_millis())],
            best: DELAY + self.ideal(Kind::Apply, 1, self.concurrency),
        }
    }

    /// Reads the command line, on which cargo adds words of its own.
    fn read() -> Self {
        let words: Vec<String> = std::env::args().collect();
        let value = |name: &str, usual: &str| {
            let place = words.iter().position(|word| word == name);
            place.and_then(|place| words.get(place + 1)).map_or(usual, |word| word).to_owned()
        };
        let number = |name: &str, usual: &str| value(name, usual).parse::<usize>().unwrap();
        let flows = value("--flows", "1,20,200,1000");
        Self {
            flows: flows.split(',').map(|word| word.parse().unwrap()).collect(),
            targets_per_flow: number("--targets-per-flow", "1"),
            latency: Duration::from_millis(number("--latency", "50").try_into().unwrap()),
            concurrency: number("--concurrency", "24"),
            rounds: number("--rounds", "5"),
            strained: words.iter().any(|word| word == "--strained"),
        }
    }
}

/// Prints a row of the table.
fn tell(name: &str, flows: usize, ideal: Duration, mut runs: Vec<Run>) {
    runs.sort_by_key(|run| run.time);
    let Run { time, document } = &runs[runs.len() / 2];
    let ratio = time.as_secs_f64() / ideal.as_secs_f64();
    let requests = |service: &str| document["requests"][service].as_u64().unwrap();
    println!(
        "{name:<18} {flows:>6} {:>7} ms {:>7} ms {ratio:>6.2} {:>10} {:>6} {:>6}",
        time.as_millis(),
        ideal.as_millis(),
        requests("dataverse"),
        requests("flow"),
        requests("entra"),
    );
}

impl Kind {
    /// In an order in which each finds what it needs.
    const ALL: [Self; 3] = [Self::Plan, Self::Apply, Self::Agreed];

    fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Agreed => "agreed",
        }
    }

    fn command(self) -> &'static str {
        if self == Self::Plan { "plan" } else { "apply" }
    }

    fn options(self) -> &'static [&'static str] {
        if self == Self::Plan { &[] } else { &["--yes"] }
    }
}
