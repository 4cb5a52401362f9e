//! Observed values that tests of several stages share.

use super::{
    Callback, Column, ColumnType, Definition, FlowState, ObservedFlow, Reading, Trigger, Workflow,
};

impl Column {
    /// Returns a column that everybody may read and write.
    pub(crate) fn open(column_type: ColumnType) -> Self {
        Self { column_type, creatable: true, updatable: true, readable: true, secured: false }
    }
}

impl ObservedFlow {
    /// Returns a flow that is on, whose only HTTP trigger has that URL.
    pub(crate) fn with_url(url: &str) -> Self {
        let trigger = Trigger {
            name: "manual".parse().unwrap(),
            trigger_type: "Request".to_owned(),
            kind: Some("Http".to_owned()),
        };
        let workflow = Workflow {
            name: "Order intake".to_owned(),
            category: Workflow::CLOUD_FLOW,
            state: FlowState::Activated,
            resource_id: None,
            definition: Definition::Triggers(vec![trigger]),
        };
        let callback = Some(Callback::Url(url.parse().unwrap()));
        Self { workflow: Reading::Found(workflow), callback, request_id: None }
    }
}
