//! Holds the refresh token of the person, and hands it out for one use at a time: some
//! authorities let each be used but once, and revoke everything when one is used twice. What is
//! kept for other runs is used under the store's lock, for the same reason.

use std::collections::BTreeMap;
use std::time::SystemTime;

use tokio::sync::{Mutex, MutexGuard};

use super::grant::Grant;
use super::store::{Exclusive, SignIn, SignInName, Store, StoreError};
use super::{Audience, Identity};
use crate::domain::RefreshToken;

/// Holds the refresh token of the person.
pub struct Keeper {
    memory: Mutex<Option<RefreshToken>>,
    kept: Option<(Store, SignInName)>,
}

/// The refresh token while it is used.
pub(super) enum Hold<'a> {
    /// It is kept for this run alone.
    Memory(MutexGuard<'a, Option<RefreshToken>>),
    /// It is kept in a store, under a name.
    Store(Exclusive, &'a SignInName),
}

impl Keeper {
    /// Keeps nothing beyond the run, and begins with that token if there is one.
    pub fn in_memory(token: Option<RefreshToken>) -> Self {
        Self { memory: Mutex::new(token), kept: None }
    }

    /// Goes on with the sign-in that a store keeps under that name.
    pub fn in_store(store: Store, name: SignInName) -> Self {
        Self { memory: Mutex::new(None), kept: Some((store, name)) }
    }

    /// Takes hold of the refresh token until it was used.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) async fn hold(&self) -> Result<Hold<'_>, StoreError> {
        match &self.kept {
            Some((store, name)) => Ok(Hold::Store(store.exclusive().await?, name)),
            None => Ok(Hold::Memory(self.memory.lock().await)),
        }
    }
}

impl Hold<'_> {
    /// The token, if there is one.
    pub(super) fn token(&self) -> Option<&RefreshToken> {
        match self {
            Self::Memory(token) => token.as_ref(),
            Self::Store(store, name) => Some(&store.sign_ins().find(name)?.refresh_token),
        }
    }

    /// Keeps the token that came back from a renewal; if none did, the earlier one stays.
    ///
    /// # Errors
    /// The store cannot be written. The renewal itself holds.
    pub(super) fn renewed(&mut self, grant: &Grant, audience: Audience) -> Result<(), StoreError> {
        match self {
            Self::Memory(token) => {
                if let Some(rotated) = &grant.refresh {
                    **token = Some(rotated.clone());
                }
                Ok(())
            }
            Self::Store(store, name) => {
                let Some(before) = store.sign_ins().find(name) else { return Ok(()) };
                let mut after = before.clone();
                if let Some(rotated) = &grant.refresh {
                    after.refresh_token = rotated.clone();
                }
                let first = after.answered.insert(audience.name().to_owned(), seconds()).is_none();
                if grant.refresh.is_some() || first {
                    return put(store, name, after);
                }
                Ok(())
            }
        }
    }

    /// Keeps what a person's sign-in brought.
    ///
    /// # Errors
    /// The store cannot be written. The sign-in itself holds.
    pub(super) fn signed_in(
        &mut self,
        grant: &Grant,
        audience: Audience,
    ) -> Result<(), StoreError> {
        let Some(token) = &grant.refresh else { return Ok(()) };
        match self {
            Self::Memory(memory) => {
                **memory = Some(token.clone());
                Ok(())
            }
            Self::Store(store, name) => {
                put(store, name, sign_in(token.clone(), Identity::of(grant), &[audience]))
            }
        }
    }

    /// Forgets the token, which serves no longer.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(super) fn forget(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Memory(token) => {
                **token = None;
                Ok(())
            }
            Self::Store(store, name) => {
                let mut sign_ins = store.sign_ins().clone();
                sign_ins.remove(name);
                store.save(sign_ins)
            }
        }
    }
}

/// What is kept of a sign-in that was made now.
pub(super) fn sign_in(
    refresh_token: RefreshToken,
    identity: Identity,
    answered: &[Audience],
) -> SignIn {
    let since = seconds();
    let answered = answered.iter().map(|audience| (audience.name().to_owned(), since));
    SignIn {
        refresh_token,
        user: identity.user,
        object_id: identity.object_id,
        tenant_id: identity.tenant_id,
        since,
        answered: answered.collect::<BTreeMap<_, _>>(),
    }
}

/// Puts a sign-in into the store.
fn put(store: &mut Exclusive, name: &SignInName, sign_in: SignIn) -> Result<(), StoreError> {
    let mut sign_ins = store.sign_ins().clone();
    sign_ins.put(name.clone(), sign_in);
    store.save(sign_ins)
}

/// Now, in seconds since 1970.
fn seconds() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map(|time| time.as_secs()).unwrap_or_default()
}
