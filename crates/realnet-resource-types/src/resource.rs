//! The resource of the module `types`: types by name, plans and drift.

use std::sync::Arc;

use async_trait::async_trait;
use realnet_core::load::{Document, Options, Target, plan};
use realnet_core::model::Item;
use realnet_core::resource::{Context, Operation, Reply, Resource, Resources, Services, TypeOperation};
use realnet_core::{Error, ErrorKind, Result, Violation};
use serde_json::Value;

use crate::apply::{self, Writer};
use crate::{define, describe, drift, grants, list, state, subjects};

/// The key under which a description names the document that a type came with.
pub(crate) const SOURCE: &str = "source";

/// How often a change is worked out anew because somebody else has changed types in between.
const ATTEMPTS: usize = 5;

/// Types, by name, and documents of types and items.
#[derive(Clone)]
pub struct Types {
    services: Services,
}

impl Types {
    /// The resource, on these stores.
    pub fn new(services: Services) -> Self {
        Self { services }
    }

    async fn plan(
        &self,
        cx: &Context,
        resources: &Arc<Resources>,
        document: &Document,
        options: Options,
        apply_it: bool,
    ) -> Result<Value> {
        administrators_only(cx)?;
        let target = Target::of(Arc::clone(&cx.access.caller));
        let documents = std::slice::from_ref(document);
        let state = state::of_documents(&self.services, &cx.access, documents, &target, true).await?;
        let mut plan = plan(&state, documents, &target, options, &*self.services.ids)?;
        subjects::check_types(cx, &plan.operations).await?;
        apply::guarded(cx, resources, &mut plan).await?;
        if !apply_it {
            // What an apply would refuse, the plan refuses too.
            if let Some(next) = &plan.next_registry {
                apply::heal(Writer::of(cx, resources), next, &plan.operations).await?;
            }
            return Ok(plan.to_json(false));
        }
        if !plan.is_empty() {
            let operations = std::mem::take(&mut plan.operations);
            let next = plan.next_registry.take();
            apply::commit(Writer::of(cx, resources), operations, next).await?;
            apply::committed(cx, resources);
        }
        Ok(plan.to_json(true))
    }

    async fn on_type(
        &self,
        cx: &Context,
        resources: &Arc<Resources>,
        operation: &TypeOperation,
    ) -> Result<Reply> {
        let reply = match operation {
            TypeOperation::List(wanted) => {
                signed_in_only(cx)?;
                return Ok(Reply::Document(list::list(cx, wanted)));
            }
            TypeOperation::Get { name } => {
                signed_in_only(cx)?;
                let info = define::find(cx, name)?;
                let document = describe::resolved(cx.registry(), info, cx.caller().is_admin());
                let mut document = describe::shown(document, info, cx.caller());
                if cx.caller().is_admin()
                    && let Some(source) = state::source_of(&self.services, info).await?
                {
                    document[SOURCE] = source.into();
                }
                return Ok(Reply::Document(document));
            }
            TypeOperation::GetGrants { name, instance } => {
                administrators_only(cx)?;
                return Ok(Reply::Grants(grants::get(cx, name, instance.as_deref())?.into()));
            }
            TypeOperation::SetGrants { name, instance, grants } => {
                administrators_only(cx)?;
                let (instance, grants) = (instance.clone(), grants.clone());
                Reply::Grants(grants::set(cx, resources, name, instance, grants).await?.into())
            }
            TypeOperation::Create { body } => {
                administrators_only(cx)?;
                let names = define::create(cx, resources, body).await?;
                let mut created = names.iter().map(|name| self.described(cx, name));
                match body {
                    Value::Array(_) => Reply::Document(created.collect::<Result<Value>>()?),
                    _ => Reply::Document(created.next().transpose()?.unwrap_or_default()),
                }
            }
            TypeOperation::Replace { name, body, options } => {
                administrators_only(cx)?;
                define::replace(cx, resources, name, body, options).await?;
                Reply::Document(self.described(cx, name)?)
            }
            TypeOperation::Patch { name, patch, options } => {
                administrators_only(cx)?;
                define::patch(cx, resources, name, patch.clone(), options).await?;
                Reply::Document(self.described(cx, name)?)
            }
            TypeOperation::Delete { name, options } => {
                administrators_only(cx)?;
                define::delete(cx, resources, name, options).await?;
                Reply::Deleted(1)
            }
        };
        apply::committed(cx, resources);
        Ok(reply)
    }

    /// Carries out what is asked for by the types of the context.
    async fn carry_out(&self, cx: &Context, resources: &Arc<Resources>, asked: &Asked) -> Result<Reply> {
        match asked {
            Asked::OnType(operation) => self.on_type(cx, resources, operation).await,
            Asked::Drift => {
                administrators_only(cx)?;
                drift::document(cx).await.map(Reply::Document)
            }
            Asked::Document { document, options, apply } => {
                self.plan(cx, resources, document, *options, *apply).await.map(Reply::Document)
            }
        }
    }

    /// The type as it is after a change.
    fn described(&self, cx: &Context, name: &str) -> Result<Value> {
        let registry = self.services.registry.current();
        let found = registry.find(cx.caller().org, name);
        let info = found.ok_or_else(|| Error::not_found(format_args!("the type {name}")))?;
        Ok(describe::resolved(&registry, info, true))
    }
}

#[async_trait]
impl Resource for Types {
    fn name(&self) -> &'static str {
        "types"
    }

    /// Types are no items: an item of the type `Type` would look like one and mean nothing.
    async fn prepare_create(&self, _cx: &Context, _item: &mut Item) -> Result<()> {
        let detail = "types are no items: declare them at /api/types, or many things at once by a document for /api/apply";
        Err(Error::invalid(vec![Violation::new("/type", detail)]))
    }

    /// What somebody else has changed meanwhile is no fault of the caller: the change is worked out anew by the types as they are
    /// then.
    async fn execute(&self, cx: &Context, resources: &Arc<Resources>, operation: Operation) -> Result<Reply> {
        let asked = Asked::read(cx, operation)?;
        let mut cx = cx.clone();
        for attempt in 1..ATTEMPTS {
            match self.carry_out(&cx, resources, &asked).await {
                Err(error) if was_overtaken(&error) => {
                    tracing::debug!(attempt, "a change of types is worked out anew");
                    self.services.reload_types().await?;
                    cx.access.registry = self.services.registry.current();
                }
                settled => return settled,
            }
        }
        self.carry_out(&cx, resources, &asked).await
    }
}

/// What is asked for, read as far as no type is needed for it.
enum Asked {
    OnType(TypeOperation),
    Drift,
    /// A document, planned or also applied.
    Document {
        document: Document,
        options: Options,
        apply: bool,
    },
}

impl Asked {
    fn read(cx: &Context, operation: Operation) -> Result<Self> {
        match operation {
            Operation::Type(operation) => Ok(Self::OnType(operation)),
            Operation::Drift => Ok(Self::Drift),
            Operation::Plan { document, source, prune, force, adopt, compat, apply } => {
                administrators_only(cx)?;
                let options = Options { prune, force, adopt, compat, ..Options::default() };
                let document = Document::from_value(source, &document, |_| None)?;
                Ok(Self::Document { document, options, apply })
            }
            _ => Err(Error::new(ErrorKind::NotAllowed, "this is no operation on types")),
        }
    }
}

/// Whether a change was worked out by other types than the present ones: of all conflicts, the one that passes by itself.
fn was_overtaken(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict && error.retry_after().is_some()
}

fn signed_in_only(cx: &Context) -> Result<()> {
    if cx.caller().role.is_some() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Unauthenticated, "sign in to look at types"))
}

fn administrators_only(cx: &Context) -> Result<()> {
    signed_in_only(cx)?;
    if cx.caller().is_admin() { Ok(()) } else { Err(Error::forbidden("only administrators may do this")) }
}
