//! Plans that compare with what was kept earlier: a reviewed plan, or the journal of an apply.

pub(crate) mod review;
pub(crate) mod rollback;
