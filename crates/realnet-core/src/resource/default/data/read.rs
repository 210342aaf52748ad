//! Reading the content of an item.

use uuid::Uuid;

use super::{CONTENT_TYPE, absent, check_type, store};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Item;
use crate::provider::{ByteRange, Content, ContentId, DataProvider};
use crate::resource::default::get::find;
use crate::resource::{Context, DataReply, DataRequest, Delivery, Reply, Route};

/// What is told of a content whose media type nobody has said.
const UNKNOWN: &str = "application/octet-stream";

/// The content of an item that the caller may read.
pub async fn read_data(cx: &Context, route: &Route<'_>, id: Uuid, wanted: DataRequest) -> Result<Reply> {
    if wanted.thumb.is_some() {
        return Err(Error::new(ErrorKind::Unsupported, "this server makes no thumbnails of such items"));
    }
    let mut item = find(cx, route, id).await?;
    check_type(cx, &item)?;
    let store = &**store(cx)?;
    let named = |item: &Item| item.content.ok_or_else(|| absent(id));
    let content = named(&item)?;
    if let Some((content, delivery)) = deliver(store, ContentId::new(content), &wanted).await? {
        return reply(cx, item, content, delivery);
    }
    // It may have been replaced since the item was read.
    item = find(cx, route, id).await?;
    let again = named(&item)?;
    if let Some((content, delivery)) = deliver(store, ContentId::new(again), &wanted).await? {
        return reply(cx, item, content, delivery);
    }
    tracing::warn!(content = %again, item = %id, "the storage does not have the content that an item names");
    Err(Error::new(ErrorKind::NotFound, format!("the content of item {id} is not in the storage")))
}

fn reply(cx: &Context, item: Item, content: Content, delivery: Delivery) -> Result<Reply> {
    let info = cx.registry().require(item.type_id)?;
    let constant = || info.constant(item.instance.as_deref(), CONTENT_TYPE);
    let said = item.attributes.get(CONTENT_TYPE).or_else(constant).and_then(|value| value.as_str());
    let is_hidden = info.is_hidden_from(CONTENT_TYPE, cx.caller());
    let content_type = said.filter(|_| !is_hidden).unwrap_or(UNKNOWN).to_owned();
    Ok(Reply::Data(DataReply { content, content_type, name: item.name, delivery }))
}

/// What is given of a content; `None` when it is not there.
async fn deliver(
    store: &dyn DataProvider,
    id: ContentId,
    wanted: &DataRequest,
) -> Result<Option<(Content, Delivery)>> {
    let mut range = wanted.range;
    if wanted.is_head || wanted.part_of.is_some() || !wanted.conditions.is_empty() {
        let Some(content) = store.head(id).await? else { return Ok(None) };
        let named = |contents: &crate::resource::Contents| contents.names(content.checksum);
        if !wanted.conditions.only.as_ref().is_none_or(named) {
            return Err(super::changed());
        }
        if wanted.conditions.unless.as_ref().is_some_and(named) {
            return Ok(Some((content, Delivery::Known)));
        }
        if wanted.is_head {
            return Ok(Some((content, Delivery::Head)));
        }
        if !wanted.part_of.as_ref().is_none_or(named) {
            range = ByteRange::All;
        }
    }
    match store.get(id, range).await {
        Ok(None) => Ok(None),
        Ok(Some(read)) if range == ByteRange::All => Ok(Some((read.content, Delivery::Whole(read.data)))),
        Ok(Some(read)) => Ok(Some((read.content, Delivery::Part(read.range, read.data)))),
        Err(error) if error.kind() == ErrorKind::RangeNotSatisfiable => {
            Ok(store.head(id).await?.map(|content| (content, Delivery::OutOfRange)))
        }
        Err(error) => Err(error),
    }
}
