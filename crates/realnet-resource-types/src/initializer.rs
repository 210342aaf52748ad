//! Bringing a store in line with the initialization files: at the first start, after an upgrade, for each org.

use std::sync::Arc;

use realnet_core::acl::Caller;
use realnet_core::load::{Action, Document, Options, OrgTemplate, Plan, Target, plan};
use realnet_core::model::Item;
use realnet_core::provider::Access;
use realnet_core::query::{OrgScope, Query};
use realnet_core::resource::Services;
use realnet_core::{ErrorKind, Result, Uuid};

use crate::apply::{self, Writer};
use crate::{sealing, state};

/// How often a load is planned anew when another replica has changed the types in between.
const ATTEMPTS: usize = 5;

/// Plans and applies the initialization files as the system. Cheap when nothing has changed: it reads what was applied
/// and the items concerned, and writes nothing.
#[derive(Clone)]
pub struct Initializer {
    services: Services,
    documents: Arc<[Document]>,
    is_rehearsal: bool,
}

impl Initializer {
    /// An initializer of these documents, in the order in which they were given: core → resources → apps → access.
    pub fn new(services: Services, documents: impl Into<Arc<[Document]>>) -> Self {
        Self { services, documents: documents.into(), is_rehearsal: false }
    }

    /// For a store that is thrown away afterwards: what is applied there is not logged as applied.
    #[must_use]
    pub fn rehearsing(self) -> Self {
        Self { is_rehearsal: true, ..self }
    }

    /// What a new org gets, for whoever creates orgs.
    pub fn template(&self) -> OrgTemplate {
        OrgTemplate::new(Arc::clone(&self.documents))
    }

    /// Plans the types without changing anything; errors name file, line and column.
    pub async fn check(&self) -> Result<Plan> {
        self.services.reload_types().await?;
        let (access, target) = self.system(Uuid::nil());
        let plan = self.plan(&access, &target, types_only()).await?;
        if let Some(next) = &plan.next_registry {
            apply::heal(self.writer(&access), next, &plan.operations).await?;
        }
        Ok(plan)
    }

    /// Reads the stored types and brings those of the system in line with the files. What an earlier server has left to seal is sealed.
    pub async fn types(&self) -> Result<Plan> {
        self.services.reload_types().await?;
        let plan = self.apply(Uuid::nil(), types_only(), "types").await?;
        sealing::carry_on(&self.services).await?;
        Ok(plan)
    }

    /// Gives every org the items of the files that it does not have yet. Answers how many orgs were changed.
    pub async fn orgs(&self) -> Result<usize> {
        let mut changed = 0;
        for org in self.existing_orgs().await? {
            let options = Options { types: false, ..Options::default() };
            let plan = self.apply(org.id, options, &org.name).await?;
            changed += usize::from(!plan.is_empty());
        }
        Ok(changed)
    }

    fn system(&self, org: Uuid) -> (Access, Target) {
        let caller = Arc::new(Caller::system(org));
        let target = Target { caller: Arc::clone(&caller), org, layer: None };
        (Access { caller, registry: self.services.registry.current() }, target)
    }

    fn writer<'a>(&'a self, access: &'a Access) -> Writer<'a> {
        Writer {
            services: &self.services,
            access,
            request_id: "initialization",
            origin: None,
            room: None,
            resources: None,
        }
    }

    async fn plan(&self, access: &Access, target: &Target, options: Options) -> Result<Plan> {
        let state =
            state::of_documents(&self.services, access, &self.documents, target, options.items).await?;
        plan(&state, &self.documents, target, options, &*self.services.ids)
    }

    /// Plans and commits, again when somebody else was faster.
    async fn apply(&self, org: Uuid, options: Options, what: &str) -> Result<Plan> {
        let mut attempt = 1;
        loop {
            let (access, target) = self.system(org);
            let plan = self.plan(&access, &target, options).await?;
            report_problems(&plan);
            if !self.is_rehearsal {
                report(&plan, what);
            }
            if plan.is_empty() {
                return Ok(plan);
            }
            let operations = plan.operations.clone();
            let next = plan.next_registry.clone();
            match apply::commit(self.writer(&access), operations, next).await {
                Ok(()) => return Ok(plan),
                Err(error) if attempt < ATTEMPTS && may_pass(error.kind()) => {
                    tracing::debug!(attempt, %error, "initialization is planned again");
                    self.services.reload_types().await?;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn existing_orgs(&self) -> Result<Vec<Item>> {
        let (access, _) = self.system(Uuid::nil());
        let Some(info) = access.registry.system("Org") else { return Ok(Vec::new()) };
        let types = access.registry.derived(info, None).map(realnet_core::registry::TypeInfo::id).collect();
        let mut query = Query { limit: Query::MAX_LIMIT, ..Query::of(OrgScope::All, types) };
        let mut orgs = Vec::new();
        loop {
            let page = self.services.items.list(&access, &query).await?;
            orgs.extend(page.items);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(orgs),
            }
        }
    }
}

fn types_only() -> Options {
    Options { items: false, ..Options::default() }
}

/// Another replica may have applied the same files at the same time.
fn may_pass(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Conflict | ErrorKind::PreconditionFailed | ErrorKind::Unavailable)
}

fn report_problems(plan: &Plan) {
    for warning in &plan.warnings {
        tracing::debug!(%warning, "initialization files");
    }
    for entry in plan.entries.iter().filter(|entry| entry.action == Action::Conflict) {
        let note = entry.note.as_deref().unwrap_or_default();
        tracing::warn!(path = %entry.path, note, "an initialization file is not applied here");
    }
    for entry in plan.entries.iter().filter(|entry| entry.action == Action::Create) {
        if let Some(note) = &entry.note {
            tracing::warn!(path = %entry.path, note, "a new type has a name that was taken");
        }
    }
}

fn report(plan: &Plan, what: &str) {
    if !plan.is_empty() {
        let (created, changed) = (plan.count(Action::Create), plan.count(Action::Change));
        tracing::info!(what, created, changed, "initialization files applied");
    }
}
