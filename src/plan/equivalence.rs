//! Compares a plan that was made anew with the plan that somebody agreed to.
//!
//! Two plans are the same in substance if whoever agreed to the first need not be asked about the
//! second: no target loses a value that the first did not show, and every target that is written
//! ends with the value that the first showed. Guards, ids, and what else stands in the same row or
//! the same JSON text may differ.

use std::collections::BTreeMap;
use std::fmt;

use super::changes::{Action, Change, Plan};
use super::value_view::ValueView;

/// A target of which two plans do not say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The target.
    pub address: String,
    /// What the first plan says; none if it does not name the target.
    pub was: Option<Side>,
    /// What the second plan says; none if it does not name the target.
    pub is: Option<Side>,
}

/// What one plan says of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// What it does.
    pub action: Action,
    /// What it found.
    pub before: Option<ValueView>,
    /// What it wants there.
    pub after: Option<ValueView>,
}

impl Plan {
    /// Checks whether a later plan may replace this one without being reviewed again.
    ///
    /// Neither has a problem, both name the same targets with the same new values, and of each
    /// target one of these holds:
    /// - the new value is there by now, whoever wrote it;
    /// - it is to be written in both, over the same value to the letter, and in the same way, or
    ///   by an update where the row has come into being meanwhile and holds nothing there.
    pub fn same_in_substance(&self, later: &Self) -> bool {
        self.problems.is_empty() && later.problems.is_empty() && self.divergences(later).is_empty()
    }

    /// Returns the targets that keep a later plan from being the same in substance, by their
    /// addresses.
    pub fn divergences(&self, later: &Self) -> Vec<Divergence> {
        let mut pairs: BTreeMap<&str, (Option<&Change>, Option<&Change>)> = BTreeMap::new();
        for change in &self.changes {
            pairs.entry(&change.address).or_default().0 = Some(change);
        }
        for change in &later.changes {
            pairs.entry(&change.address).or_default().1 = Some(change);
        }
        let diverging = pairs.into_iter().filter(|(_, pair)| !is_same(*pair));
        diverging.map(|(address, pair)| Divergence::new(address, pair)).collect()
    }
}

/// Checks whether the two changes of a target are the same in substance.
fn is_same(pair: (Option<&Change>, Option<&Change>)) -> bool {
    let (Some(was), Some(is)) = pair else { return false };
    let same_way =
        was.action == is.action || (was.action == Action::Create && is.action == Action::Update);
    let is_there = is.action == Action::NoOp;
    was.after == is.after && (is_there || (same_way && was.held == is.held))
}

impl Divergence {
    fn new(address: &str, (was, is): (Option<&Change>, Option<&Change>)) -> Self {
        Self {
            address: address.to_owned(),
            was: was.map(Side::from_change),
            is: is.map(Side::from_change),
        }
    }
}

impl Side {
    fn from_change(change: &Change) -> Self {
        let Change { action, before, after, .. } = change;
        Self { action: *action, before: before.clone(), after: after.clone() }
    }

    fn before(&self) -> String {
        ValueView::describe(self.before.as_ref())
    }

    fn after(&self) -> String {
        ValueView::describe(self.after.as_ref())
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, was, is } = self;
        match (was, is) {
            (Some(was), Some(is)) if was.after != is.after => {
                write!(
                    formatter,
                    "{address} was planned to become {}, now {}",
                    was.after(),
                    is.after()
                )
            }
            (Some(was), Some(is)) if was.before != is.before => {
                write!(formatter, "{address} held {}, and now holds {}", was.before(), is.before())
            }
            (Some(was), Some(is)) if was.action != is.action && is.before.is_none() => {
                write!(formatter, "{address}: the action was {}, now {}", was.action, is.action)
            }
            (Some(was), Some(_)) => {
                write!(formatter, "{address} held {}, and now holds another value", was.before())
            }
            (Some(was), None) => {
                write!(formatter, "{address} held {}, and now cannot be planned", was.before())
            }
            (None, _) => write!(formatter, "{address} is new"),
        }
    }
}
