//! The refresh token of the person, used by one request at a time: some authorities accept each
//! refresh token only once, and revoke the sign-in when one is used twice. A token in a store is
//! used under the store's lock, for the same reason.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::model::RefreshToken;
use crate::sign_in::exchange::GrantedTokens;
use crate::sign_in::store::{LockedStore, SignIn, SignInName, Store, StoreError};
use crate::sign_in::{Audience, AuthError, Identity, RefreshTokenOrigin};

/// The holder of a person's refresh token.
pub struct SharedRefreshToken {
    /// The token of this run alone, which takes precedence over the store.
    memory: Arc<Mutex<Option<RefreshToken>>>,
    kept: Option<(Store, SignInName)>,
    /// The place of the refresh token.
    origin: Option<RefreshTokenOrigin>,
}

/// Exclusive access to the refresh token.
pub(in crate::sign_in) struct RefreshTokenGuard {
    memory: OwnedMutexGuard<Option<RefreshToken>>,
    kept: Option<(LockedStore, SignInName)>,
}

impl SharedRefreshToken {
    /// Makes a holder that keeps nothing after the run, and starts with the token if there is one.
    pub fn in_memory(token: Option<RefreshToken>) -> Self {
        Self { memory: Arc::new(Mutex::new(token)), kept: None, origin: None }
    }

    /// Makes a holder that continues the sign-in that a store keeps under this name.
    pub fn in_store(store: Store, name: SignInName) -> Self {
        Self { kept: Some((store, name)), ..Self::in_memory(None) }
    }

    /// Sets the place of the refresh token, for an error that it is no longer valid.
    #[must_use]
    pub fn with_origin(self, origin: Option<RefreshTokenOrigin>) -> Self {
        Self { origin, ..self }
    }

    /// Returns the place of the refresh token.
    pub(in crate::sign_in) fn origin(&self) -> Option<&RefreshTokenOrigin> {
        self.origin.as_ref()
    }

    /// Locks the refresh token until the guard is dropped.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(in crate::sign_in) async fn lock(&self) -> Result<RefreshTokenGuard, StoreError> {
        let memory = Arc::clone(&self.memory).lock_owned().await;
        let kept = match &self.kept {
            Some((store, name)) if memory.is_none() => {
                Some((store.lock_and_read().await?, name.clone()))
            }
            _ => None,
        };
        Ok(RefreshTokenGuard { memory, kept })
    }
}

impl RefreshTokenGuard {
    /// Returns the token, if there is one.
    pub(in crate::sign_in) fn current_token(&self) -> Option<&RefreshToken> {
        let kept = || {
            let (store, name) = self.kept.as_ref()?;
            Some(&store.sign_ins().find(name)?.refresh_token)
        };
        self.memory.as_ref().or_else(kept)
    }

    /// Secures the place of the next token before the current one is used: some authorities accept each
    /// token only once.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(in crate::sign_in) fn reserve(&mut self) -> Result<(), StoreError> {
        self.kept.as_mut().map_or(Ok(()), |(store, _)| store.reserve_space())
    }

    /// Checks that the token belongs to the person that the store names. Otherwise somebody changed the
    /// store.
    ///
    /// # Errors
    /// The token belongs to another person.
    pub(in crate::sign_in) fn check_person(&self, identity: &Identity) -> Result<(), AuthError> {
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

    /// Keeps the new refresh token of a renewal. If there is none, the earlier one stays.
    ///
    /// # Errors
    /// The store cannot be written. This run continues with the token; later runs do not have it.
    pub(in crate::sign_in) fn keep_renewed(
        &mut self,
        grant: &GrantedTokens,
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
        let first = after.answered.insert(audience.name().to_owned(), unix_seconds()).is_none();
        if let Some(rotated) = rotated {
            after.refresh_token = rotated.clone();
        }
        if rotated.is_none() && !first {
            return Ok(());
        }
        save_sign_in(store, name, after).inspect_err(|_| *self.memory = rotated.cloned())
    }

    /// Keeps the refresh token of a person's new sign-in.
    ///
    /// # Errors
    /// The store cannot be written. This run continues with the token; later runs do not have it.
    pub(in crate::sign_in) fn keep_new_sign_in(
        &mut self,
        grant: &GrantedTokens,
        audience: Audience,
    ) -> Result<(), StoreError> {
        let Some(token) = &grant.refresh else { return Ok(()) };
        let Some((store, name)) = &mut self.kept else {
            *self.memory = Some(token.clone());
            return Ok(());
        };
        let mut new = new_sign_in(token.clone(), Identity::from_grant(grant), &[audience]);
        if let Some(before) = store.sign_ins().find(name) {
            let answered = before.answered.clone();
            new.answered = answered.into_iter().chain(new.answered).collect();
        }
        save_sign_in(store, name, new).inspect_err(|_| *self.memory = Some(token.clone()))
    }

    /// Deletes the token, which is no longer valid.
    ///
    /// # Errors
    /// The store cannot be written.
    pub(in crate::sign_in) fn delete_token(&mut self) -> Result<(), StoreError> {
        *self.memory = None;
        let Some((store, name)) = &mut self.kept else { return Ok(()) };
        let mut sign_ins = store.sign_ins().clone();
        sign_ins.remove(name);
        store.save(sign_ins)
    }
}

/// Makes the stored form of a sign-in that was made now.
pub(in crate::sign_in) fn new_sign_in(
    refresh_token: RefreshToken,
    identity: Identity,
    answered: &[Audience],
) -> SignIn {
    let since = unix_seconds();
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

/// Saves a sign-in in the store.
fn save_sign_in(
    store: &mut LockedStore,
    name: &SignInName,
    sign_in: SignIn,
) -> Result<(), StoreError> {
    let mut sign_ins = store.sign_ins().clone();
    sign_ins.put(name.clone(), sign_in);
    store.save(sign_ins)
}

/// Returns the current time in seconds since 1970.
fn unix_seconds() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map(|time| time.as_secs()).unwrap_or_default()
}
