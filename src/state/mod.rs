//! What should be and what is: the two values that a plan compares.

mod desired;
mod observed;
#[cfg(test)]
mod testing;

pub use desired::{
    Binding, Desired, Flow, FlowIndex, KeyValue, Missing, Record, Selector, SignedUrls, Site,
    Target,
};
pub use observed::{
    Callback, Column, ColumnType, Definition, FlowState, InactiveKey, NoTrigger, Observed,
    ObservedFlow, Reading, Row, Seen, Table, TableKind, Targets, Trigger, ValueRow, Variable,
    VariableType, Workflow,
};
