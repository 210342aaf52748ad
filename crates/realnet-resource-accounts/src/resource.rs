//! The hooks by which every write of an account, org, group, role or membership passes.

use async_trait::async_trait;
use realnet_core::Result;
use realnet_core::acl::{Grant, OrgRole};
use realnet_core::model::Item;
use realnet_core::provider::Access;
use realnet_core::resource::{Context, Intake, Reply, Resource, Route, WriteOptions, default};
use serde_json::Value;

use crate::accounts::Accounts;
use crate::kind::Kind;
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
            Kind::Org => rules::org::create(cx, item).await,
            Kind::Role => {
                rules::administrators_only(cx.caller())?;
                rules::reserved_name(cx.caller(), item)
            }
            Kind::Other => rules::administrators_only(cx.caller()),
        }
    }

    fn check_edit(&self, access: &Access, before: &Item, after: &mut Item) -> Result<()> {
        let caller = &access.caller;
        match Kind::of(&access.registry, before.type_id) {
            Kind::Account => rules::account::edit(caller, before, after),
            Kind::Org => rules::org::edit(caller, before, after),
            Kind::Role => {
                rules::administrators_only(caller)?;
                rules::reserved_name(caller, before)?;
                rules::reserved_name(caller, after)
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
            Kind::Account | Kind::Role | Kind::Other => Ok(()),
        }
    }

    fn check_delete(&self, access: &Access, item: &Item) -> Result<()> {
        let caller = &access.caller;
        match Kind::of(&access.registry, item.type_id) {
            Kind::Account => rules::account::delete(caller, item),
            Kind::Org => rules::org::delete(caller, item),
            Kind::Role | Kind::Other => rules::administrators_only(caller),
        }
    }

    async fn check_grants(&self, cx: &Context, item: &Item, grants: &[Grant]) -> Result<()> {
        match Kind::of(cx.registry(), item.type_id) {
            Kind::Account => rules::account::grants(cx.caller(), item, grants),
            Kind::Org | Kind::Role | Kind::Other => rules::administrators_only(cx.caller()),
        }
    }

    fn committed(&self, _cx: &Context) {
        self.forget();
    }
}
