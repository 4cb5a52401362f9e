//! Holds the refresh token of the person, and hands it out for one use at a time: some
//! authorities let each be used but once, and revoke everything when one is used twice. What is
//! kept for other runs is used under the store's lock, for the same reason.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::auth::exchange::Grant;
use crate::auth::store::{Exclusive, SignIn, SignInName, Store, StoreError};
use crate::auth::{Audience, AuthError, Identity};
use crate::domain::RefreshToken;

/// Holds the refresh token of the person.
pub struct Keeper {
    /// What is held for this run alone; it comes before what is kept.
    memory: Arc<Mutex<Option<RefreshToken>>>,
    kept: Option<(Store, SignInName)>,
}

/// The refresh token while it is used.
pub(in crate::auth) struct Hold {
    memory: OwnedMutexGuard<Option<RefreshToken>>,
    kept: Option<(Exclusive, SignInName)>,
}

impl Keeper {
    /// Keeps nothing beyond the run, and begins with that token if there is one.
    pub fn in_memory(token: Option<RefreshToken>) -> Self {
        Self { memory: Arc::new(Mutex::new(token)), kept: None }
    }

    /// Goes on with the sign-in that a store keeps under that name.
    pub fn in_store(store: Store, name: SignInName) -> Self {
        Self { kept: Some((store, name)), ..Self::in_memory(None) }
    }

    /// Takes hold of the refresh token until it was used.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(in crate::auth) async fn hold(&self) -> Result<Hold, StoreError> {
        let memory = Arc::clone(&self.memory).lock_owned().await;
        let kept = match &self.kept {
            Some((store, name)) if memory.is_none() => {
                Some((store.exclusive().await?, name.clone()))
            }
            _ => None,
        };
        Ok(Hold { memory, kept })
    }
}

impl Hold {
    /// The token, if there is one.
    pub(in crate::auth) fn token(&self) -> Option<&RefreshToken> {
        let kept = || {
            let (store, name) = self.kept.as_ref()?;
            Some(&store.sign_ins().find(name)?.refresh_token)
        };
        self.memory.as_ref().or_else(kept)
    }

    /// Makes sure that the token that comes back from a renewal can be kept, before the one that there is
    /// is used: it may be good but once.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(in crate::auth) fn reserve(&mut self) -> Result<(), StoreError> {
        self.kept.as_mut().map_or(Ok(()), |(store, _)| store.reserve())
    }

    /// Makes sure that the token is of the person that the store names. A store that says otherwise was
    /// changed by somebody.
    ///
    /// # Errors
    /// It is of another person.
    pub(in crate::auth) fn check_person(&self, identity: &Identity) -> Result<(), AuthError> {
        let kept = self.kept.as_ref().and_then(|(store, name)| store.sign_ins().find(name));
        let Some(kept) = kept else { return Ok(()) };
        let kept = Identity {
            user: kept.user.clone(),
            object_id: kept.object_id.clone(),
            tenant_id: kept.tenant_id.clone(),
        };
        if kept.differs_within_tenant(identity) {
            return Err(AuthError::KeptForAnother { kept: kept.name(), found: identity.name() });
        }
        Ok(())
    }

    /// Keeps the token that came back from a renewal; if none did, the earlier one stays.
    ///
    /// # Errors
    /// The store cannot be written: the run goes on with the token, and later runs do not.
    pub(in crate::auth) fn renewed(
        &mut self,
        grant: &Grant,
        audience: Audience,
    ) -> Result<(), StoreError> {
        let rotated = grant.refresh.as_ref();
        let Some((store, name)) = &mut self.kept else {
            if let Some(rotated) = rotated {
                *self.memory = Some(rotated.clone());
            }
            return Ok(());
        };
        let Some(mut after) = store.sign_ins().find(name).cloned() else { return Ok(()) };
        let first = after.answered.insert(audience.name().to_owned(), seconds()).is_none();
        if let Some(rotated) = rotated {
            after.refresh_token = rotated.clone();
        }
        if rotated.is_none() && !first {
            return Ok(());
        }
        put(store, name, after).inspect_err(|_| *self.memory = rotated.cloned())
    }

    /// Keeps what a person's sign-in brought.
    ///
    /// # Errors
    /// The store cannot be written: the run goes on with the token, and later runs do not.
    pub(in crate::auth) fn signed_in(
        &mut self,
        grant: &Grant,
        audience: Audience,
    ) -> Result<(), StoreError> {
        let Some(token) = &grant.refresh else { return Ok(()) };
        let Some((store, name)) = &mut self.kept else {
            *self.memory = Some(token.clone());
            return Ok(());
        };
        let mut new = sign_in(token.clone(), Identity::of(grant), &[audience]);
        if let Some(before) = store.sign_ins().find(name) {
            let answered = before.answered.clone();
            new.answered = answered.into_iter().chain(new.answered).collect();
        }
        put(store, name, new).inspect_err(|_| *self.memory = Some(token.clone()))
    }

    /// Forgets the token, which serves no longer.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(in crate::auth) fn forget(&mut self) -> Result<(), StoreError> {
        *self.memory = None;
        let Some((store, name)) = &mut self.kept else { return Ok(()) };
        let mut sign_ins = store.sign_ins().clone();
        sign_ins.remove(name);
        store.save(sign_ins)
    }
}

/// What is kept of a sign-in that was made now.
pub(in crate::auth) fn sign_in(
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
