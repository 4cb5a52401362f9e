//! The problems found so far, and where.

use std::cell::RefCell;

use super::text::LineIndex;
use crate::model::{Code, ManifestPosition, Problem};

/// Gathers problems while a manifest is read.
pub(super) struct Findings<'t> {
    places: LineIndex<'t>,
    problems: RefCell<Vec<Problem>>,
}

impl<'t> Findings<'t> {
    /// Creates an empty collection of problems for a text.
    pub(super) fn new(text: &'t str) -> Self {
        Self { places: LineIndex::new(text), problems: RefCell::default() }
    }

    /// Returns the line and column of a byte.
    pub(super) fn site(&self, place: usize) -> ManifestPosition {
        self.places.site(place)
    }

    /// Adds a problem at a byte of the text.
    pub(super) fn add(
        &self,
        place: usize,
        code: Code,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(Problem {
            code,
            address: None,
            message: message.into(),
            hint: hint.into(),
            site: Some(self.site(place)),
        });
    }

    /// Adds a problem that already has its place.
    pub(super) fn push(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Returns all problems, sorted by place.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by(|one, other| {
            let order = one.site.cmp(&other.site).then(one.code.cmp(&other.code));
            order.then_with(|| one.message.cmp(&other.message))
        });
        problems
    }
}
