//! The trait of resources. Every method has the plain item behaviour as its default; see [`super::default`].
//!
//! A resource has two ways to differ. *Hooks* ([`Resource::intake`] to [`Resource::committed`]) are asked by the default
//! behaviour, by the item's own type, whatever endpoint, batch or parent led to the item: rules belong there. *Operations*
//! ([`Resource::list`] to [`Resource::call`]) replace the behaviour at the resource's own endpoints: what is no plain item.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Call, Conditions, Context, DataRequest, Files, Intake, ListRequest, Operation, PatchDocument, Reply,
    Resources, ResumableOperation, Route, Upload, WriteOptions, default,
};
use crate::acl::Grant;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Item, Map};
use crate::provider::{Access, Content, DataStream};

/// Domain logic for the types that name it as their `module`.
#[async_trait]
pub trait Resource: Send + Sync {
    /// Its name, as in a type's `module`.
    fn name(&self) -> &str;

    /// Whether administrators may give the ids of new items. Not where others go by these ids: what was granted to one that is gone would
    /// pass on to whoever gets its id.
    fn takes_ids(&self) -> bool {
        true
    }

    /// Looks at a write before anything is built from it; may take values out and add operations. May wait.
    async fn intake(&self, _cx: &Context, _intake: &mut Intake<'_>) -> Result<()> {
        Ok(())
    }

    /// Completes or refuses a new item: properties and defaults are set, validation follows.
    async fn prepare_create(&self, _cx: &Context, _item: &mut Item) -> Result<()> {
        Ok(())
    }

    /// Adapts or refuses a change, inside the transaction: `after` is validated already. Must be pure.
    fn check_edit(&self, _access: &Access, _before: &Item, _after: &mut Item) -> Result<()> {
        Ok(())
    }

    /// Whether [`Self::prepare_delete`] is to be asked, which costs a read.
    fn looks_before_delete(&self) -> bool {
        false
    }

    /// Looks at a deletion before the transaction, where waiting is possible. Only for the item that was named.
    async fn prepare_delete(&self, _cx: &Context, _item: &Item) -> Result<()> {
        Ok(())
    }

    /// Refuses a deletion, inside the transaction: asked for the item and every descendant of its types. Must be pure.
    fn check_delete(&self, _access: &Access, _item: &Item) -> Result<()> {
        Ok(())
    }

    /// Looks at a content that an item is about to get, by its first bytes; answers its media type and the whole stream. `said`: the
    /// media type that it is said to have.
    async fn prepare_content(
        &self,
        _cx: &Context,
        _item: &Item,
        said: Option<String>,
        data: DataStream,
    ) -> Result<(Option<String>, DataStream)> {
        Ok((said, data))
    }

    /// Attributes that follow from a content which an item is about to get, with its media type, or from there being none any more;
    /// null takes one away. The content is stored by now, and no item names it yet.
    async fn describe_content(
        &self,
        _cx: &Context,
        _item: &Item,
        _content: Option<(&Content, &str)>,
    ) -> Result<Map> {
        Ok(Map::new())
    }

    /// Refuses grants on an item.
    async fn check_grants(&self, _cx: &Context, _item: &Item, _grants: &[Grant]) -> Result<()> {
        Ok(())
    }

    /// Told after a change set that was planned with this resource is durable: the place to drop caches.
    fn committed(&self, _cx: &Context) {}

    /// A page of items.
    async fn list(&self, cx: &Context, route: &Route<'_>, request: ListRequest) -> Result<Reply> {
        default::list(cx, route, request).await
    }

    /// One item.
    async fn get(&self, cx: &Context, route: &Route<'_>, id: Uuid, request: ListRequest) -> Result<Reply> {
        default::get(cx, route, id, request).await
    }

    /// Creates one item or several.
    async fn create(
        &self,
        cx: &Context,
        route: &Route<'_>,
        body: Value,
        options: WriteOptions,
    ) -> Result<Reply> {
        default::create(cx, route, body, options).await
    }

    /// Replaces name and attributes of an item.
    async fn replace(
        &self,
        cx: &Context,
        route: &Route<'_>,
        id: Uuid,
        body: Value,
        options: WriteOptions,
    ) -> Result<Reply> {
        default::replace(cx, route, id, body, options).await
    }

    /// Patches an item.
    async fn patch(
        &self,
        cx: &Context,
        route: &Route<'_>,
        id: Uuid,
        patch: PatchDocument,
        options: WriteOptions,
    ) -> Result<Reply> {
        default::patch(cx, route, id, patch, options).await
    }

    /// Deletes an item with its descendants.
    async fn delete(
        &self,
        cx: &Context,
        route: &Route<'_>,
        id: Uuid,
        options: WriteOptions,
    ) -> Result<Reply> {
        default::delete(cx, route, id, options).await
    }

    /// Patches all items that match.
    async fn patch_many(
        &self,
        cx: &Context,
        route: &Route<'_>,
        parameters: ListRequest,
        patch: Value,
    ) -> Result<Reply> {
        default::patch_many(cx, route, parameters, patch).await
    }

    /// Deletes all items that match.
    async fn delete_many(&self, cx: &Context, route: &Route<'_>, parameters: ListRequest) -> Result<Reply> {
        default::delete_many(cx, route, parameters).await
    }

    /// The children of an item.
    async fn children(
        &self,
        cx: &Context,
        route: &Route<'_>,
        id: Uuid,
        parameters: ListRequest,
    ) -> Result<Reply> {
        default::children(cx, route, id, parameters).await
    }

    /// Figures of items, by group.
    async fn aggregate(&self, cx: &Context, route: &Route<'_>, request: ListRequest) -> Result<Reply> {
        default::aggregate(cx, route, request).await
    }

    /// Earlier states of an item.
    async fn history(
        &self,
        cx: &Context,
        route: &Route<'_>,
        id: Uuid,
        parameters: ListRequest,
    ) -> Result<Reply> {
        default::history(cx, route, id, parameters).await
    }

    /// The grants on an item.
    async fn get_grants(&self, cx: &Context, route: &Route<'_>, id: Uuid) -> Result<Reply> {
        default::get_grants(cx, route, id).await
    }

    /// Replaces the grants on an item.
    async fn set_grants(
        &self,
        cx: &Context,
        route: &Route<'_>,
        id: Uuid,
        grants: Vec<Grant>,
        options: WriteOptions,
    ) -> Result<Reply> {
        default::set_grants(cx, route, id, grants, options).await
    }

    /// The content of an item, or a part of it.
    async fn read_data(
        &self,
        cx: &Context,
        route: &Route<'_>,
        id: Uuid,
        wanted: DataRequest,
    ) -> Result<Reply> {
        default::read_data(cx, route, id, wanted).await
    }

    /// Replaces the content of an item.
    async fn write_data(
        &self,
        cx: &Context,
        route: &Route<'_>,
        id: Uuid,
        upload: Upload,
        options: WriteOptions,
    ) -> Result<Reply> {
        default::write_data(cx, route, id, upload, options).await
    }

    /// Takes the content of an item away.
    async fn delete_data(
        &self,
        cx: &Context,
        route: &Route<'_>,
        id: Uuid,
        conditions: Conditions,
        options: WriteOptions,
    ) -> Result<Reply> {
        default::delete_data(cx, route, id, &conditions, options).await
    }

    /// Creates items of files that come as they are. Only resources of files do.
    async fn upload(&self, _cx: &Context, route: &Route<'_>, _files: Files) -> Result<Reply> {
        let message = format!("{} are created by JSON: application/json is understood here", route.endpoint);
        Err(Error::new(ErrorKind::UnsupportedMediaType, message))
    }

    /// Files that come in several requests. Only the resource of files carries these out.
    async fn resumable(
        &self,
        _cx: &Context,
        _resources: &Arc<Resources>,
        _operation: ResumableOperation,
    ) -> Result<Reply> {
        Err(Error::new(ErrorKind::NotAllowed, format!("{} does not take files", self.name())))
    }

    /// Whatever else lies below its endpoints: by default there is nothing.
    async fn call(&self, _cx: &Context, route: &Route<'_>, call: Call) -> Result<Reply> {
        Err(Error::not_found(format_args!("/{}/{}", route.endpoint, call.path.join("/"))))
    }

    /// Operations on types and documents: `Type`, `Plan` and `Drift`. Only the resource of types carries these out.
    ///
    /// Items of a document are guarded by the resources of their own types: see [`Resources::edit`] and its siblings.
    async fn execute(
        &self,
        _cx: &Context,
        _resources: &Arc<Resources>,
        _operation: Operation,
    ) -> Result<Reply> {
        Err(Error::new(ErrorKind::NotAllowed, format!("{} does not take types and documents", self.name())))
    }
}
