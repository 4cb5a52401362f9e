//! Discovery and planning, the stages that most commands begin with.

use crate::discover::{Discovery, observe};
use crate::manifest::{Environment, Manifest};
use crate::model::{EnvironmentId, Failure, Listener, Stage, note_observed_names};
use crate::plan::{Plan, plan, warn_of_foreign_environments};
use crate::run::connect::Connection;

/// One reading of an environment, and the plan that follows from it.
pub(crate) struct Observation {
    pub(crate) discovery: Discovery,
    pub(crate) plan: Plan,
}

/// Reads the environment once, and plans.
pub(crate) async fn discover_and_plan(
    connection: &Connection,
    manifest: &Manifest,
    known_id: Option<EnvironmentId>,
    listener: &dyn Listener,
) -> Result<Observation, Failure> {
    let reader = connection.reader();
    let observing = observe(&reader, manifest.desired(), known_id, listener);
    let discovery = Stage::Discover.log(observing).await?;
    note_observed_names(&discovery.observed);
    let planning = async { plan_with_warnings(manifest, &discovery, connection) };
    let plan = Stage::Plan.log(planning).await;
    Ok(Observation { discovery, plan })
}

/// Plans, and warns about targets that point at another environment.
fn plan_with_warnings(manifest: &Manifest, discovery: &Discovery, connection: &Connection) -> Plan {
    let (desired, observed) = (manifest.desired(), &discovery.observed);
    let mut plan = plan(desired, observed, &connection.cloud);
    let name_of = |id: &str| manifest.environment_of_id(id).map(Environment::name_and_address);
    let (cloud, own) = (&connection.cloud, &discovery.environment_id);
    plan.warn(warn_of_foreign_environments(desired, observed, cloud, own, name_of));
    plan.refuse_too_many_rows("split the manifest, and run once for each part");
    plan
}
