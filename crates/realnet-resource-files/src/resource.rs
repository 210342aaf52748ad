//! The resource of module `files`: items with contents, and the folders that they are in.

use std::sync::Arc;

use async_trait::async_trait;
use realnet_core::model::{Item, Map};
use realnet_core::provider::{Content, DataStream};
use realnet_core::resource::{
    self, Call, Context, DataRequest, Reply, Resource, Resources, ResumableOperation, Route, Verb,
    WriteOptions, default,
};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use serde_json::Value;

use crate::copy::Copies;
use crate::peek::peek;
use crate::thumb::Thumbs;
use crate::{kind, measure, presigned, resumable, upload};

/// The attribute that leads to the file whose content stands in for an item's own.
const TEMPLATE: &str = "template";

/// Files and folders.
#[derive(Debug, Default)]
pub struct Files {
    copies: Copies,
    thumbs: Thumbs,
}

#[async_trait]
impl Resource for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    async fn prepare_content(
        &self,
        _cx: &Context,
        item: &Item,
        said: Option<String>,
        data: DataStream,
    ) -> Result<(Option<String>, DataStream)> {
        let (first, data) = peek(data).await?;
        let known = item.attributes.get("content_type").and_then(|value| value.as_str());
        let content_type = kind::media_type(&first, said.as_deref().or(known), &item.name);
        Ok((Some(content_type), data))
    }

    async fn describe_content(
        &self,
        cx: &Context,
        item: &Item,
        content: Option<(&Content, &str)>,
    ) -> Result<Map> {
        measure::describe(cx, item, content).await
    }

    async fn upload(&self, cx: &Context, route: &Route<'_>, files: resource::Files) -> Result<Reply> {
        upload::upload(cx, route, files).await
    }

    async fn create(
        &self,
        cx: &Context,
        route: &Route<'_>,
        body: Value,
        options: WriteOptions,
    ) -> Result<Reply> {
        if presigned::is_meant(&body) {
            return presigned::begin(cx, route, body).await;
        }
        default::create(cx, route, body, options).await
    }

    async fn resumable(
        &self,
        cx: &Context,
        resources: &Arc<Resources>,
        operation: ResumableOperation,
    ) -> Result<Reply> {
        resumable::step(cx, resources, operation).await
    }

    async fn read_data(
        &self,
        cx: &Context,
        route: &Route<'_>,
        id: Uuid,
        wanted: DataRequest,
    ) -> Result<Reply> {
        if let Some(size) = wanted.thumb {
            let whole = DataRequest { is_head: true, ..DataRequest::default() };
            return match self.read_data(cx, route, id, whole).await? {
                Reply::Data(data) => self.thumbs.of(cx, data, size, &wanted).await,
                other => Ok(other),
            };
        }
        match default::read_data(cx, route, id, wanted.clone()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                of_template(cx, route, id, wanted).await?.ok_or(error)
            }
            settled => settled,
        }
    }

    async fn call(&self, cx: &Context, route: &Route<'_>, call: Call) -> Result<Reply> {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        match (call.verb, path.as_slice()) {
            (Verb::Post, [id, "copy"]) => {
                let id = Uuid::try_parse(id).map_err(|_| Error::not_found(format_args!("item {id}")))?;
                refuse_rest(&call)?;
                self.copies.copy(cx, route, id, call.body).await
            }
            (Verb::Post, [id, "confirm"]) => {
                let id = Uuid::try_parse(id).map_err(|_| Error::not_found(format_args!("upload {id}")))?;
                refuse_rest(&call)?;
                presigned::confirm(cx, route, id).await
            }
            _ => Err(Error::not_found(format_args!("/{}/{}", route.endpoint, call.path.join("/")))),
        }
    }
}

/// Refuses what is said beside the body: whoever says it relies on it, and nothing here looks at it.
fn refuse_rest(call: &Call) -> Result<()> {
    if let Some((name, _)) = call.parameters.parameters.first() {
        return Err(Error::malformed_at(name.clone(), "not a parameter here"));
    }
    if call.options.expected_version.is_some() || call.options.idempotency.is_some() {
        return Err(Error::malformed("this takes no precondition and no idempotency key"));
    }
    Ok(())
}

/// The content of the file that an item without a content of its own names, by itself or by its instance or type.
async fn of_template(
    cx: &Context,
    route: &Route<'_>,
    id: Uuid,
    wanted: DataRequest,
) -> Result<Option<Reply>> {
    let Some(item) = cx.services.items.get(&cx.access, id).await? else { return Ok(None) };
    let info = cx.registry().require(item.type_id)?;
    let is_of_route = cx.registry().is_derived_from(info.id(), route.info()?.id());
    if !is_of_route || item.content.is_some() || info.is_hidden_from(TEMPLATE, cx.caller()) {
        return Ok(None);
    }
    let constant = || info.constant(item.instance.as_deref(), TEMPLATE);
    let named = item.attributes.get(TEMPLATE).or_else(constant).and_then(|value| value.as_str());
    let Some(template) = named.and_then(|text| Uuid::try_parse(text).ok()) else { return Ok(None) };
    let route = Route { info: cx.registry().root(), ..*route };
    match default::read_data(cx, &route, template, wanted).await {
        Ok(Reply::Data(mut data)) => {
            data.name = item.name;
            Ok(Some(Reply::Data(data)))
        }
        Ok(other) => Ok(Some(other)),
        // One that is gone, or that the caller may not read, is none.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotAllowed) => Ok(None),
        Err(error) => Err(error),
    }
}
