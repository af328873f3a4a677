//! Which of several autoscalers acts: the one that holds a Lease.
//!
//! A holder that is gone is noticed by its lease not being renewed for [`HELD_FOR`] of our own clock; no two clocks are
//! compared. A holder that cannot renew stops acting before another may begin.

use std::time::{Duration, Instant};

use k8s_openapi::{
    api::coordination::v1::{Lease as LeaseObject, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};

use crate::error::AutoscalerError;

/// How long a lease holds unless it is renewed.
const HELD_FOR: Duration = Duration::from_secs(15);
/// How long a holder acts after it has renewed.
const ACTS_FOR: Duration = Duration::from_secs(10);
/// The code of an answer to one who came too late.
const CONFLICT: u16 = 409;

/// A Lease that one of several processes holds.
pub(crate) struct Lease {
    api: Api<LeaseObject>,
    name: String,
    me: String,
    /// The version of somebody else's lease, and when it was first seen.
    other: Option<(String, Instant)>,
    renewed: Option<Instant>,
}

impl Lease {
    pub(crate) fn new(client: Client, namespace: &str, name: &str, me: &str) -> Self {
        let api = Api::namespaced(client, namespace);
        Self { api, name: name.to_owned(), me: me.to_owned(), other: None, renewed: None }
    }

    /// Whether we may act now.
    pub(crate) fn is_held(&self) -> bool {
        self.renewed.is_some_and(|renewed| renewed.elapsed() < ACTS_FOR)
    }

    /// Renews the lease, or takes it where nobody holds it.
    pub(crate) async fn hold(&mut self) -> Result<bool, AutoscalerError> {
        let asked = Instant::now();
        let found = self.api.get_opt(&self.name).await;
        let found = found.map_err(AutoscalerError::asking(format!("reading lease {}", self.name)))?;
        let taken = match found {
            None => self.write(self.fresh(), true).await?,
            Some(lease) if self.may_take(&lease, asked) => self.write(self.taken(lease), false).await?,
            Some(_) => false,
        };
        self.renewed = taken.then_some(asked);
        Ok(taken)
    }

    /// Lets go, so that another need not wait.
    pub(crate) async fn release(&mut self) -> Result<(), AutoscalerError> {
        if self.renewed.take().is_none() {
            return Ok(());
        }
        let found = self.api.get(&self.name).await;
        let mut lease = found.map_err(AutoscalerError::asking(format!("reading lease {}", self.name)))?;
        if let Some(spec) = lease.spec.as_mut().filter(|spec| spec.holder_identity.as_ref() == Some(&self.me)) {
            spec.holder_identity = Some(String::new());
            self.write(lease, false).await?;
        }
        Ok(())
    }

    fn may_take(&mut self, lease: &LeaseObject, now: Instant) -> bool {
        let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default();
        if holder.is_empty() || holder == self.me {
            self.other = None;
            return true;
        }
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        match &self.other {
            Some((seen, since)) if *seen == version => now.saturating_duration_since(*since) > HELD_FOR,
            _ => {
                self.other = Some((version, now));
                false
            }
        }
    }

    fn fresh(&self) -> LeaseObject {
        let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
        self.taken(LeaseObject { metadata, spec: None })
    }

    fn taken(&self, mut lease: LeaseObject) -> LeaseObject {
        let now = MicroTime(Timestamp::now());
        let mut spec: LeaseSpec = lease.spec.take().unwrap_or_default();
        if spec.holder_identity.as_ref() != Some(&self.me) {
            spec.holder_identity = Some(self.me.clone());
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |count| count.saturating_add(1)));
        }
        spec.lease_duration_seconds = Some(HELD_FOR.as_secs() as i32);
        spec.renew_time = Some(now);
        lease.spec = Some(spec);
        lease
    }

    /// Writes the lease; false where another was quicker.
    async fn write(&self, lease: LeaseObject, is_new: bool) -> Result<bool, AutoscalerError> {
        let parameters = PostParams::default();
        let written = match is_new {
            true => self.api.create(&parameters, &lease).await,
            false => self.api.replace(&self.name, &parameters, &lease).await,
        };
        match written {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == CONFLICT => Ok(false),
            Err(error) => Err(AutoscalerError::asking(format!("writing lease {}", self.name))(error)),
        }
    }
}
