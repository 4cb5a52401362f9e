//! Keeps the part of a manifest that `--only` names.

use super::{Manifest, nearest};
use crate::model::{Binding, Desired, did_you_mean};

/// A name that fits nothing in the manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`--only {name}` names no flow and no target of the manifest")]
pub struct NothingNamed {
    name: String,
    near: Option<String>,
}

impl NothingNamed {
    /// Returns what to type instead.
    pub fn hint(&self) -> String {
        let near = did_you_mean(self.near.as_deref());
        format!(
            "{near}give a flow's name or workflow id, or a target's address as `flowbind plan` shows it"
        )
    }
}

impl Manifest {
    /// Keeps only the bindings of these flows and targets, and notes what was left out; everything
    /// if no name is given.
    ///
    /// # Errors
    /// The first name that fits nothing.
    pub fn only(self, names: &[String]) -> Result<Self, NothingNamed> {
        if names.is_empty() {
            return Ok(self);
        }
        let all = &self.desired;
        let fits_any = |name: &&String| all.bindings.iter().any(|one| is_named(all, one, name));
        if let Some(name) = names.iter().find(|name| !fits_any(name)) {
            return Err(NothingNamed { name: name.clone(), near: known(all, name) });
        }
        let is_kept = |one: &Binding| names.iter().any(|name| is_named(all, one, name));
        let left_out = all.bindings.iter().filter(|one| !is_kept(one));
        let left_out = left_out.map(|one| one.target.address()).collect();
        let desired = Desired { left_out, ..all.only(is_kept) };
        Ok(Self { desired, ..self })
    }
}

/// Checks whether a name is that of the binding's flow, the flow's workflow id, or the target's
/// address.
fn is_named(desired: &Desired, binding: &Binding, name: &str) -> bool {
    let flow = desired.flow(binding.flow);
    flow.name.as_deref() == Some(name)
        || name.parse() == Ok(flow.workflow_id)
        || binding.target.address() == name
}

/// Finds the name or address that was most likely meant: the address of a variable with this name,
/// otherwise the most similar name or address.
fn known(desired: &Desired, name: &str) -> Option<String> {
    let addresses: Vec<String> =
        desired.bindings.iter().map(|binding| binding.target.address()).collect();
    let end = format!("/{name}");
    let whole = addresses.iter().map(String::as_str).find(|address| address.ends_with(&end));
    let names = desired.flows.iter().filter_map(|flow| flow.name.as_deref());
    let words = names.chain(addresses.iter().map(String::as_str));
    whole.or_else(|| nearest(name, words)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Clouds;

    fn example() -> Manifest {
        let text = include_bytes!("../../config/example.toml");
        Manifest::parse(text, &Clouds::embedded().unwrap()).unwrap()
    }

    fn addresses(names: &[&str]) -> (Vec<String>, usize) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let kept = example().only(&names).unwrap();
        let kept = kept.desired();
        assert!(kept.bindings.iter().all(|binding| binding.flow.0 < kept.flows.len()));
        let addresses = kept.bindings.iter().map(|binding| binding.target.address());
        (addresses.collect(), kept.left_out.len())
    }

    #[test]
    fn a_name_keeps_a_flow_or_a_target_and_the_rest_is_left_out() {
        let intake = "environment-variable/contoso_OrderIntakeUrl";
        let posted = "environment-variable/contoso_Endpoints#/invoices/posted";
        for name in ["Order intake", "A09E4A0D-3A1C-F011-998A-7C1E5275CFE9", intake] {
            assert_eq!(addresses(&[name]), (vec![intake.to_owned()], 6), "{name}");
        }
        let two = [posted, "Order intake"];
        assert_eq!(addresses(&two), (vec![intake.to_owned(), posted.to_owned()], 5));
        assert_eq!(addresses(&[]).1, 0);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_one() {
        for (name, near) in [
            ("Order intak", "did you mean `Order intake`? Otherwise give"),
            (
                "contoso_OrderIntakeUrl",
                "did you mean `environment-variable/contoso_OrderIntakeUrl`? Otherwise give",
            ),
            ("x", "give a flow's name or workflow id"),
        ] {
            let error = example().only(&["Order intake".to_owned(), name.to_owned()]).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`--only {name}` names no flow")));
            assert!(error.hint().starts_with(near), "{}", error.hint());
        }
    }
}
