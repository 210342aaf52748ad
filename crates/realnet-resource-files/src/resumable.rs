//! Files that come in several requests: begun, gone on with where they ended, and made an item of with their last byte.

use std::sync::Arc;

use realnet_core::provider::{Checksum, ContentId, DataStream, Expected};
use realnet_core::resource::default::check_new_file;
use realnet_core::resource::{Context, Reply, Resources, ResumableOperation, UploadState};
use realnet_core::{Error, ErrorKind, Result, Uuid};

use crate::name;
use crate::pending::{PATIENCE, Pending};
use crate::upload::store;

/// Carries out one step.
pub(crate) async fn step(
    cx: &Context,
    resources: &Arc<Resources>,
    operation: ResumableOperation,
) -> Result<Reply> {
    let state = match operation {
        ResumableOperation::Begin { endpoint, length, said, data } => {
            Some(begin(cx, resources, endpoint, length, said, data).await?)
        }
        ResumableOperation::Look { id } => Some(look(cx, resources, id).await?),
        ResumableOperation::Append { id, offset, data } => {
            Some(append(cx, resources, id, offset, data).await?)
        }
        ResumableOperation::Abort { id } => {
            Pending::find(cx, id).await?;
            Pending::give_up(cx, id).await?;
            None
        }
    };
    Ok(Reply::Upload(state))
}

async fn begin(
    cx: &Context,
    resources: &Arc<Resources>,
    endpoint: String,
    length: u64,
    said: Vec<(String, String)>,
    data: Option<DataStream>,
) -> Result<UploadState> {
    let most = cx.services.max_content;
    if length > most {
        let message = format!("the content is larger than {most} bytes, which is the most that is taken");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    let mut pending = Pending::new(endpoint, length);
    for (name, value) in said {
        match name.as_str() {
            "filename" => pending.name = Some(value),
            "filetype" => pending.content_type = Some(value),
            "checksum" => {
                let expected = || Error::malformed_at("checksum", "expected SHA-256 in hexadecimal");
                pending.checksum = Some(Checksum::parse(&value).ok_or_else(expected)?.to_string());
            }
            _ => pending.said.push((name, value)),
        }
    }
    let said = pending.documents()?;
    let route = pending.route(cx, resources);
    check_new_file(cx, &route, &said.outline(&name::of(said.name.as_deref()), None)).await?;
    let id = cx.services.ids.next_id();
    let store = store(cx)?;
    // First the record: an upload that nobody knows of is given up in a day, as a record is without one.
    pending.begin(cx, id).await?;
    store.begin_upload(ContentId::new(id)).await?;
    match data {
        Some(data) => match append(cx, resources, id, 0, data).await {
            Ok(state) => Ok(state),
            Err(error) => {
                give_up(cx, id, length).await;
                Err(error)
            }
        },
        None if length == 0 => finish(cx, resources, Pending::find(cx, id).await?, id, 0).await,
        None => Ok(state(cx, &pending, id, 0)),
    }
}

/// Gives up what came with a beginning that failed: whoever sent it does not learn its address, and could not go on. Once all of it has
/// come its item is being made, and whoever does that gives it up.
async fn give_up(cx: &Context, id: Uuid, length: u64) {
    let given_up = async {
        let store = store(cx)?;
        if store.upload_offset(ContentId::new(id)).await?.is_some_and(|offset| offset < length) {
            Pending::give_up(cx, id).await?;
        }
        Ok::<(), Error>(())
    };
    if let Err(failure) = given_up.await {
        tracing::warn!(error = %failure.report(), upload = %id, "an upload that failed is left to the sweep");
    }
}

async fn look(cx: &Context, resources: &Arc<Resources>, id: Uuid) -> Result<UploadState> {
    let pending = Pending::find(cx, id).await?;
    let length = pending.length.unwrap_or_default();
    if pending.item.is_some() {
        return Ok(state(cx, &pending, id, length));
    }
    match store(cx)?.upload_offset(ContentId::new(id)).await? {
        Some(offset) if offset < length => Ok(state(cx, &pending, id, offset)),
        // All of it is there, but its item has not been made.
        _ => finish(cx, resources, pending, id, length).await,
    }
}

async fn append(
    cx: &Context,
    resources: &Arc<Resources>,
    id: Uuid,
    offset: u64,
    data: DataStream,
) -> Result<UploadState> {
    let pending = Pending::find(cx, id).await?;
    let length = pending.length.unwrap_or_default();
    if pending.item.is_some() || offset > length {
        return Err(Error::conflict(format!("the upload has {length} bytes, and no more come at {offset}")));
    }
    let end = store(cx)?.append_upload(ContentId::new(id), offset, data, Some(length)).await?;
    if end == length {
        return finish(cx, resources, pending, id, end).await;
    }
    // Its time begins anew.
    pending.keep(cx, id, Expected::Any, PATIENCE).await?;
    Ok(state(cx, &pending, id, end))
}

async fn finish(
    cx: &Context,
    resources: &Arc<Resources>,
    mut pending: Pending,
    id: Uuid,
    length: u64,
) -> Result<UploadState> {
    let copy = pending.clone();
    let route = copy.route(cx, resources);
    if let Reply::Created { items, .. } = pending.clone().complete(cx, &route, id).await? {
        pending.item = items.value.first().map(|item| item.id);
    }
    Ok(state(cx, &pending, id, length))
}

fn state(cx: &Context, pending: &Pending, id: Uuid, offset: u64) -> UploadState {
    UploadState {
        id,
        offset,
        length: pending.length.unwrap_or_default(),
        expires: cx.now().plus_seconds(PATIENCE),
        item: pending.item.map(|item| (pending.endpoint.clone(), item)),
    }
}
