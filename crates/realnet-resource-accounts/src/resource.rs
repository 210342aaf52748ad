//! The hooks by which every write of an account, org, group, role or membership passes.

use async_trait::async_trait;
use realnet_core::acl::{Grant, OrgRole};
use realnet_core::model::Item;
use realnet_core::provider::Access;
use realnet_core::resource::{Call, Context, Intake, Reply, Resource, Route, Verb, WriteOptions, default};
use realnet_core::{Error, Result, Uuid};
use serde_json::Value;

use crate::accounts::Accounts;
use crate::clients::check_scopes;
use crate::kind::Kind;
use crate::oidc::{has_safe_issuer, keeps_its_secret};
use crate::rules;

#[async_trait]
impl Resource for Accounts {
    fn name(&self) -> &'static str {
        "accounts"
    }

    async fn create(
        &self,
        cx: &Context,
        route: &Route<'_>,
        body: Value,
        options: WriteOptions,
    ) -> Result<Reply> {
        match self.signs_up(cx, route) {
            Some(sign_up) => self.sign_up(sign_up, cx, route, (body, options)).await,
            None => default::create(cx, route, body, options).await,
        }
    }

    fn takes_ids(&self) -> bool {
        false
    }

    async fn intake(&self, cx: &Context, intake: &mut Intake<'_>) -> Result<()> {
        self.take_in(cx, intake).await
    }

    async fn prepare_create(&self, cx: &Context, item: &mut Item) -> Result<()> {
        match Kind::of(cx.registry(), item.type_id) {
            Kind::Account => {
                let info = cx.registry().require(item.type_id)?;
                let constant = info.constant(item.instance.as_deref(), "role");
                let role = constant.and_then(Value::as_str).and_then(OrgRole::parse);
                rules::account::create(cx.caller(), item, role)
            }
            Kind::Org => {
                rules::org::create(cx, item).await?;
                rules::no_slips(cx.registry(), None, item)
            }
            Kind::Role => {
                rules::administrators_only(cx.caller())?;
                rules::reserved_name(cx.caller(), item)
            }
            Kind::Client => {
                rules::administrators_only(cx.caller())?;
                rules::declared_only(cx.registry(), None, item)?;
                check_scopes(cx.registry(), None, item)
            }
            Kind::Provider => {
                rules::administrators_only(cx.caller())?;
                rules::declared_only(cx.registry(), None, item)?;
                has_safe_issuer(None, item)
            }
            Kind::Other => rules::administrators_only(cx.caller()),
        }
    }

    fn check_edit(&self, access: &Access, before: &Item, after: &mut Item) -> Result<()> {
        let caller = &access.caller;
        match Kind::of(&access.registry, before.type_id) {
            Kind::Account => rules::account::edit(caller, before, after),
            Kind::Org => {
                rules::org::edit(caller, before, after)?;
                rules::no_slips(&access.registry, Some(before), after)
            }
            Kind::Role => {
                rules::administrators_only(caller)?;
                rules::reserved_name(caller, before)?;
                rules::reserved_name(caller, after)
            }
            Kind::Client => {
                rules::administrators_only(caller)?;
                rules::declared_only(&access.registry, Some(before), after)?;
                check_scopes(&access.registry, Some(before), after)
            }
            Kind::Provider => {
                rules::administrators_only(caller)?;
                rules::declared_only(&access.registry, Some(before), after)?;
                has_safe_issuer(Some(before), after)?;
                keeps_its_secret(before, after)
            }
            Kind::Other => rules::administrators_only(caller),
        }
    }

    fn looks_before_delete(&self) -> bool {
        true
    }

    async fn prepare_delete(&self, cx: &Context, item: &Item) -> Result<()> {
        match Kind::of(cx.registry(), item.type_id) {
            Kind::Org => rules::org::before_delete(cx, item).await,
            Kind::Account | Kind::Role | Kind::Client | Kind::Provider | Kind::Other => Ok(()),
        }
    }

    fn check_delete(&self, access: &Access, item: &Item) -> Result<()> {
        let caller = &access.caller;
        match Kind::of(&access.registry, item.type_id) {
            Kind::Account => rules::account::delete(caller, item),
            Kind::Org => rules::org::delete(caller, item),
            Kind::Role | Kind::Client | Kind::Provider | Kind::Other => rules::administrators_only(caller),
        }
    }

    async fn check_grants(&self, cx: &Context, item: &Item, grants: &[Grant]) -> Result<()> {
        match Kind::of(cx.registry(), item.type_id) {
            Kind::Account => rules::account::grants(cx.caller(), item, grants),
            Kind::Org | Kind::Role | Kind::Client | Kind::Provider | Kind::Other => {
                rules::administrators_only(cx.caller())
            }
        }
    }

    /// `POST /clients/{id}/secret` makes the secret of a client, `DELETE` takes it away.
    async fn call(&self, cx: &Context, route: &Route<'_>, call: Call) -> Result<Reply> {
        let unknown = || Error::not_found(format_args!("/{}/{}", route.endpoint, call.path.join("/")));
        let [id, "secret"] = call.path.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
            return Err(unknown());
        };
        let id = Uuid::parse_str(id).map_err(|_| unknown())?;
        if !(call.body.is_null()
            && call.parameters.parameters.is_empty()
            && call.options == WriteOptions::default())
        {
            return Err(Error::malformed(
                "a secret is made by a request without body, parameters and conditions",
            ));
        }
        match call.verb {
            Verb::Post => self.make_secret(cx, id).await.map(Reply::Document),
            Verb::Delete => self.end_secret(cx, id).await.map(|()| Reply::Deleted(1)),
            Verb::Get | Verb::Put | Verb::Patch => Err(unknown()),
        }
    }

    fn committed(&self, _cx: &Context) {
        self.forget();
    }
}
