//! Runs side by side over a few guarded rows, in every order: the plans, the guards and what
//! becomes of a conflict are the program's own, and only the service is made up.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::conflict::{MOST_ROUNDS, NewPlanVerdict, judge};
use super::{desired, guid, name, observed};
use crate::model::{Callback, Clouds, Desired, EntityTag, Observed, Reading, StoredText, ValueRow};
use crate::plan::{Plan, Write, plan};

/// What runs may want, and what may be there that nobody wants.
const URLS: [&str; 3] = [
    "https://a.environment.api.powerplatform.com/workflows/1?api-version=1",
    "https://b.environment.api.powerplatform.com/workflows/1?api-version=1",
    "https://old.environment.api.powerplatform.com/workflows/1?api-version=1",
];

/// The value of one variable.
#[derive(Clone)]
struct Held {
    row: usize,
    version: usize,
    text: String,
}

/// What the service holds, by variable, and how many rows and versions it has given out.
struct Service {
    held: Vec<Option<Held>>,
    given: usize,
}

/// One run: what it wants, how far it came, and how many change sets it got in.
struct Run {
    url: &'static str,
    variables: usize,
    stage: Stage,
    /// What the variables held when it made the plan that is agreed to.
    seen: Vec<Option<String>>,
    committed: usize,
}

/// How far a run came.
#[derive(Clone)]
enum Stage {
    Begin,
    Planned { agreed: Plan, current: Plan, rounds: usize },
    Refused { agreed: Plan, rounds: usize },
    Committed,
    Ended(End),
}

/// What a run says at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Applied,
    Agreed,
    Conflict,
    Unknown,
}

impl Service {
    fn new(held: &[Option<usize>]) -> Self {
        let mut service = Self { held: vec![None; held.len()], given: 0 };
        for (variable, url) in held.iter().enumerate() {
            if let Some(url) = url {
                service.create(variable, URLS[*url]);
            }
        }
        service
    }

    fn next(&mut self) -> usize {
        self.given += 1;
        self.given
    }

    fn create(&mut self, variable: usize, text: &str) {
        let (row, version, text) = (self.next(), self.next(), text.to_owned());
        self.held[variable] = Some(Held { row, version, text });
    }

    /// Somebody changes another column of the row.
    fn touch(&mut self, variable: usize) {
        let version = self.next();
        if let Some(held) = &mut self.held[variable] {
            held.version = version;
        }
    }

    /// What a run sees of its first so many variables.
    fn observed(&self, run: &Run) -> Observed {
        let mut seen = observed(run.variables);
        seen.flows[0].callback = Some(Callback::Url(run.url.parse().unwrap()));
        for (index, held) in self.held.iter().enumerate().take(run.variables) {
            let variable = seen.targets.variables.get_mut(&name(index));
            let Some(Reading::Found(variable)) = variable else { panic!("it is there") };
            variable.values = held.iter().map(Held::value_row).collect();
        }
        seen
    }

    /// The variable that a write is for, if its guard holds.
    fn guarded(&self, write: &Write) -> Option<usize> {
        let row = |index: &usize| self.held[*index].as_ref();
        let mut all = 0..self.held.len();
        match write {
            Write::CreateVariableValue { schema_name, .. } => {
                all.find(|index| name(*index) == *schema_name && row(index).is_none())
            }
            Write::UpdateVariableValue { id, guard, .. } => all.find(|index| {
                let row = row(index).map(Held::value_row);
                row.is_some_and(|row| row.id == *id && row.tag == *guard)
            }),
            _ => None,
        }
    }

    /// Carries out all writes, or none.
    fn commit(&mut self, writes: &[Write]) -> bool {
        let places: Option<Vec<usize>> = writes.iter().map(|write| self.guarded(write)).collect();
        let Some(places) = places else { return false };
        for (place, write) in places.into_iter().zip(writes) {
            let version = self.next();
            match (write, &mut self.held[place]) {
                (Write::UpdateVariableValue { text, .. }, Some(held)) => {
                    (held.version, held.text) = (version, text.expose().to_owned());
                }
                (Write::CreateVariableValue { text, .. }, _) => self.create(place, text.expose()),
                _ => panic!("{write:?}"),
            }
        }
        true
    }

    /// What the variables hold.
    fn texts(&self) -> Vec<Option<String>> {
        self.held.iter().map(|held| held.as_ref().map(|held| held.text.clone())).collect()
    }

    /// Whether the first so many variables all hold that.
    fn all_hold(&self, variables: usize, text: &str) -> bool {
        let held = self.held.iter().take(variables);
        held.flatten().filter(|held| held.text == text).count() == variables
    }
}

impl Held {
    fn value_row(&self) -> ValueRow {
        ValueRow {
            id: guid(self.row).parse().unwrap(),
            tag: EntityTag::new(&format!("W/\"{}\"", self.version)).unwrap(),
            text: Some(StoredText::new(self.text.as_str())),
        }
    }
}

impl Run {
    fn new(url: &'static str, variables: usize) -> Self {
        Self { url, variables, stage: Stage::Begin, seen: Vec::new(), committed: 0 }
    }

    fn desired(&self) -> Desired {
        desired(self.variables)
    }

    fn plan(&self, service: &Service) -> Plan {
        let clouds = Clouds::embedded().unwrap();
        plan(&self.desired(), &service.observed(self), clouds.get("public").unwrap())
    }

    fn end(&self) -> Option<End> {
        if let Stage::Ended(end) = self.stage { Some(end) } else { None }
    }

    /// Sends one request, or reads everything once, and checks what the run says if it ends so.
    fn step(&mut self, service: &mut Service) {
        self.stage = match self.stage.clone() {
            Stage::Begin => {
                self.seen = service.texts();
                let plan = self.plan(service);
                if plan.is_up_to_date() {
                    Stage::Ended(End::Agreed)
                } else {
                    Stage::Planned { agreed: plan.clone(), current: plan, rounds: 1 }
                }
            }
            Stage::Planned { agreed, current, rounds } => {
                let before = service.texts();
                if service.commit(current.writes()) {
                    self.check_overwritten(&before, &service.texts());
                    self.committed += 1;
                    Stage::Committed
                } else {
                    Stage::Refused { agreed, rounds }
                }
            }
            Stage::Refused { agreed, rounds } => {
                let current = self.plan(service);
                match judge(&agreed, &current) {
                    NewPlanVerdict::Done => Stage::Ended(End::Agreed),
                    NewPlanVerdict::Again if rounds < MOST_ROUNDS => {
                        Stage::Planned { agreed, current, rounds: rounds + 1 }
                    }
                    NewPlanVerdict::Again | NewPlanVerdict::Diverged(_) => {
                        Stage::Ended(End::Conflict)
                    }
                }
            }
            Stage::Committed if self.plan(service).is_up_to_date() => Stage::Ended(End::Applied),
            Stage::Committed => Stage::Ended(End::Unknown),
            ended @ Stage::Ended(_) => return self.stage = ended,
        };
        self.check(service);
    }

    /// Nothing was lost that the agreed plan had not shown.
    fn check_overwritten(&self, before: &[Option<String>], after: &[Option<String>]) {
        for (index, seen) in self.seen.iter().enumerate() {
            assert!(before[index] == after[index] || before[index] == *seen, "{index}");
        }
    }

    /// What a run says is so when it says it.
    fn check(&self, service: &Service) {
        let holds = service.all_hold(self.variables, self.url);
        match self.end() {
            Some(End::Applied) => assert!(holds && self.committed == 1),
            Some(End::Agreed) => assert!(holds && self.committed == 0),
            Some(End::Unknown) => assert!(!holds && self.committed == 1),
            Some(End::Conflict) => assert!(!holds && self.committed == 0),
            None => (),
        }
    }
}

/// Lets the runs take steps in that order, and then each to its end; now and then a stranger
/// touches a row.
fn interleave(service: &mut Service, runs: &mut [Run], order: &[(usize, Option<usize>)]) {
    for (run, touched) in order {
        runs[run % runs.len()].step(service);
        if let Some(variable) = touched {
            service.touch(variable % service.held.len());
        }
    }
    for run in runs {
        while run.end().is_none() {
            run.step(service);
        }
    }
}

fn orders() -> impl Strategy<Value = Vec<(usize, Option<usize>)>> {
    vec((0..4_usize, prop_oneof![3 => Just(None), 1 => (0..4_usize).prop_map(Some)]), 0..40)
}

proptest! {
    /// Runs over the same variables, none of which holds what any of them wants.
    #[test]
    fn whatever_the_order_the_end_is_one_runs_values_and_never_a_mixture(
        urls in vec(0..2_usize, 2..=4),
        variables in 1..4_usize,
        old in any::<bool>(),
        order in orders(),
    ) {
        let mut service = Service::new(&vec![old.then_some(2); variables]);
        let mut runs: Vec<Run> = urls.iter().map(|url| Run::new(URLS[*url], variables)).collect();
        interleave(&mut service, &mut runs, &order);
        let written = runs.iter().filter(|run| run.committed > 0).count();
        let whose = URLS.iter().filter(|url| service.all_hold(variables, url)).count();
        prop_assert!(whose == 1 || written == 0, "{} wrote", written);
        let lost = |run: &Run| run.end() == Some(End::Unknown);
        let alike = urls.iter().all(|url| *url == urls[0]);
        prop_assert!(!alike || !runs.iter().any(lost));
    }

    /// Without a stranger somebody always gets through, and all who want the same agree.
    #[test]
    fn runs_that_want_the_same_all_end_well_and_write_once(
        count in 2..=4_usize,
        variables in 1..4_usize,
        old in any::<bool>(),
        order in vec((0..4_usize, Just(None)), 0..40),
    ) {
        let mut service = Service::new(&vec![old.then_some(2); variables]);
        let mut runs: Vec<Run> = (0..count).map(|_| Run::new(URLS[0], variables)).collect();
        interleave(&mut service, &mut runs, &order);
        prop_assert!(service.all_hold(variables, URLS[0]));
        prop_assert!(runs.iter().all(|run| matches!(run.end(), Some(End::Applied | End::Agreed))));
        prop_assert_eq!(runs.iter().map(|run| run.committed).sum::<usize>(), 1);
    }

    /// Runs over some of the variables, which may hold anything: what each says is so.
    #[test]
    fn no_run_says_what_is_not_so(
        runs in vec((0..2_usize, 1..=4_usize), 2..=4),
        held in vec(proptest::option::of(0..3_usize), 4),
        order in orders(),
    ) {
        let mut service = Service::new(&held);
        let mut runs: Vec<Run> =
            runs.iter().map(|(url, variables)| Run::new(URLS[*url], *variables)).collect();
        interleave(&mut service, &mut runs, &order);
    }
}

#[test]
fn a_row_that_a_stranger_touched_is_written_at_the_next_try_and_not_for_ever() {
    for (touches, end) in [(1, End::Applied), (2, End::Applied), (3, End::Conflict)] {
        let mut service = Service::new(&[Some(2)]);
        let mut run = Run::new(URLS[0], 1);
        for _ in 0..touches {
            run.step(&mut service);
            service.touch(0);
            run.step(&mut service);
        }
        while run.end().is_none() {
            run.step(&mut service);
        }
        assert_eq!(run.end(), Some(end), "{touches}");
    }
}
