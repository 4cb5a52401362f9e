//! Targets that point at another environment, as a copy of a database does at its source.

use super::current_values::current_values;
use crate::model::{
    Binding, Cloud, Code, Desired, EnvironmentId, Observed, Oddities, Problem, StoredUrl,
};

/// Warns of each target whose URL is on the host of another environment than `own`, even if the
/// target's flow is off, so that no URL can be written instead. `name_of` returns the display name
/// of an environment by its id, if it is known.
pub fn warn_of_foreign_environments(
    desired: &Desired,
    observed: &Observed,
    cloud: &Cloud,
    own: &EnvironmentId,
    name_of: impl Fn(&str) -> Option<String>,
) -> Vec<Problem> {
    let warnings =
        desired.bindings.iter().zip(current_values(desired, observed)).map(|(binding, text)| {
            let text = text.filter(|_| !desired.is_removed(binding));
            let StoredUrl { url, oddities } = StoredUrl::from_text(text?.expose())?;
            let other = url.environment()?;
            let is_other = other.parse::<EnvironmentId>().is_ok_and(|other| other != *own);
            let is_other = is_other && cloud.serves_callbacks(&url.view().host);
            is_other.then(|| warning(binding, &other, name_of(&other), &oddities))
        });
    warnings.flatten().collect()
}

fn warning(binding: &Binding, id: &str, name: Option<String>, oddities: &Oddities) -> Problem {
    let environment = name.unwrap_or_else(|| format!("another environment, `{id}`"));
    let with =
        if oddities.is_empty() { String::new() } else { format!(" (stored with {oddities})") };
    Problem {
        code: Code::PointsElsewhere,
        address: Some(binding.target.address()),
        message: format!("the current URL{with} points at {environment}: a program that calls it runs a flow there"),
        hint: "run `flowbind apply` to write this environment's URL; until then, keep programs from calling the current one".to_owned(),
        site: Some(binding.site),
    }
}
