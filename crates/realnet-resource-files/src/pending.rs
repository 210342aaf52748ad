//! A file of which not all is there yet: what was said of it, kept as a record until its item is made.

use std::sync::Arc;

use realnet_core::acl::Permission;
use realnet_core::clock::Timestamp;
use realnet_core::provider::{
    AuthRecord, ByteRange, Checksum, Content, ContentId, DataProvider, Expectation, Expected, RecordKind,
};
use realnet_core::resource::default::{NewFile, check_new_file, create_files, forget_content};
use realnet_core::resource::{Context, Rendered, Reply, Resources, Route};
use realnet_core::{Error, ErrorKind, Result, Uuid};

use crate::documents::Said;
use crate::peek::ENOUGH;
use crate::upload::{store, type_to_be};
use crate::{kind, name};

/// For so many seconds an upload waits for who goes on with it.
pub(crate) const PATIENCE: i64 = 24 * 3600;
/// For so many seconds it is told what has become of it.
const TOLD: i64 = 3600;
/// So many seconds a request has to make the item of an upload before others may take it for gone.
const ENDING: i64 = 60;
/// The most uploads of an account at a time.
const MAX_PENDING: usize = 100;

/// What is kept of it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Pending {
    /// Where the item will be.
    pub(crate) endpoint: String,
    /// How many bytes there will be; `None`: as many as come.
    pub(crate) length: Option<u64>,
    /// Its name, as whoever sends it has it.
    pub(crate) name: Option<String>,
    /// The media type that it is said to have.
    pub(crate) content_type: Option<String>,
    /// What else is said of it.
    pub(crate) said: Vec<(String, String)>,
    /// The checksum that it must have, in hexadecimal.
    pub(crate) checksum: Option<String>,
    /// The item that was made of it.
    pub(crate) item: Option<Uuid>,
    /// When somebody began to make it.
    #[serde(default)]
    ending: Option<Timestamp>,
    /// The version of its record.
    #[serde(skip)]
    version: i64,
}

impl Pending {
    /// A file for an endpoint, of so many bytes.
    pub(crate) const fn new(endpoint: String, length: u64) -> Self {
        Self {
            endpoint,
            length: Some(length),
            name: None,
            content_type: None,
            said: Vec::new(),
            checksum: None,
            item: None,
            ending: None,
            version: 0,
        }
    }

    /// What was said of it, as for a form.
    pub(crate) fn documents(&self) -> Result<Said> {
        let mut said = Said::default();
        for (name, value) in &self.said {
            said.add(name, value.clone())?;
        }
        said.name = said.name.or_else(|| self.name.clone());
        Ok(said)
    }

    /// What its content must be.
    pub(crate) fn expected(&self, cx: &Context) -> Expectation {
        let checksum = self.checksum.as_deref().and_then(Checksum::parse);
        Expectation { size: self.length, checksum, limit: Some(cx.services.max_content) }
    }

    /// Keeps it anew, for an upload that has just begun.
    pub(crate) async fn begin(&self, cx: &Context, id: Uuid) -> Result<()> {
        let account = signed_in(cx)?;
        if !self.keep(cx, id, Expected::Absent, PATIENCE).await? {
            return Err(Error::internal("the id of a new upload was there already"));
        }
        // Counted with this one: of several that begin at once, none is overlooked.
        let records = cx.services.credentials.records_of(account, RecordKind::Upload, cx.now()).await?;
        let is_pending = |record: &&AuthRecord| read(record).is_ok_and(|pending| pending.item.is_none());
        if records.iter().filter(is_pending).count() > MAX_PENDING {
            Self::forget(cx, id).await?;
            let message =
                format!("{MAX_PENDING} uploads of yours are not finished: go on with them, or give some up");
            return Err(Error::new(ErrorKind::RateLimited, message));
        }
        Ok(())
    }

    /// Keeps it for so many seconds from now on.
    pub(crate) async fn keep(
        &self,
        cx: &Context,
        id: Uuid,
        expected: Expected,
        seconds: i64,
    ) -> Result<bool> {
        let value = serde_json::to_vec(self)
            .map_err(|error| Error::internal("an upload has no JSON").with_source(error))?;
        if value.len() > AuthRecord::MAX_VALUE {
            return Err(Error::new(ErrorKind::TooLarge, "too much is said of the file"));
        }
        let account = signed_in(cx)?;
        let record = AuthRecord::new(RecordKind::Upload, id.to_string(), value, cx.now())
            .of(Some(account), Some(cx.caller().org))
            .until(cx.now().plus_seconds(seconds));
        cx.services.credentials.put_record(record, expected, cx.now()).await
    }

    /// The upload of this id, if it is the caller's.
    pub(crate) async fn find(cx: &Context, id: Uuid) -> Result<Self> {
        let missing = || Error::not_found(format_args!("upload {id}"));
        let record = cx.services.credentials.record(RecordKind::Upload, &id.to_string(), cx.now()).await?;
        let own = record.filter(|record| record.account.is_some() && record.account == cx.caller().account);
        let record = own.ok_or_else(missing)?;
        let pending = read(&record)?;
        pending.check_scope(cx)?;
        Ok(pending)
    }

    /// Refuses keys that make no items where this one will be.
    fn check_scope(&self, cx: &Context) -> Result<()> {
        let info = cx.registry().endpoint(cx.caller().org, &self.endpoint);
        let (Some(scope), Some(info)) = (cx.caller().scope.as_deref(), info) else { return Ok(()) };
        if scope.reaches(cx.registry(), info.id(), Some(Permission::Create)) {
            return Ok(());
        }
        let message = format!("outside of the key's scope: it may not create items of type {}", info.name());
        Err(Error::forbidden(message))
    }

    /// Forgets it.
    pub(crate) async fn forget(cx: &Context, id: Uuid) -> Result<()> {
        cx.services.credentials.remove_record(RecordKind::Upload, &id.to_string()).await.map(drop)
    }

    /// Forgets it, with what has come of it. Bytes that can not be removed now, the storage gives up by itself.
    pub(crate) async fn give_up(cx: &Context, id: Uuid) -> Result<()> {
        match store(cx)?.abort_upload(ContentId::new(id)).await {
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                tracing::warn!(error = %error.report(), upload = %id, "the bytes of an upload that was given up are left");
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        Self::forget(cx, id).await
    }

    /// The route of the endpoint at which its item will be.
    pub(crate) fn route<'a>(&'a self, cx: &'a Context, resources: &'a Arc<Resources>) -> Route<'a> {
        let info = cx.registry().endpoint(cx.caller().org, &self.endpoint);
        Route { endpoint: &self.endpoint, info, resources }
    }

    /// Makes the item of a file of which all is there: under the id of the upload, so that there is one however often, and by however
    /// many servers, it is ended. Asked again after a crash, it goes on where that was.
    pub(crate) async fn complete(mut self, cx: &Context, route: &Route<'_>, id: Uuid) -> Result<Reply> {
        let store = store(cx)?;
        if let Some(reply) = made(cx, id).await? {
            self.tell(cx, id).await;
            return Ok(reply);
        }
        self.check_rights(cx, route).await?;
        let content = match store.finish_upload(ContentId::new(id), self.expected(cx)).await {
            Ok(content) => content,
            // Another request writes to it or ends it.
            Err(error) if error.kind() == ErrorKind::Conflict => return Err(busy().with_source(error)),
            Err(error) => {
                // What is another file than was announced will not become the right one.
                if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::TooLarge) {
                    Self::give_up(cx, id).await?;
                }
                return Err(error);
            }
        };
        let is_alone = self.begin_ending(cx, id).await?;
        match self.item_of(cx, route, store, content).await {
            Ok(reply) => {
                self.tell(cx, id).await;
                Ok(reply)
            }
            // Who was taken for gone may have come to its end all the same.
            Err(error) if error.kind() == ErrorKind::Conflict => match made(cx, id).await? {
                Some(reply) => Ok(reply),
                None => Err(self.refused(cx, id, is_alone, error).await),
            },
            Err(error) => Err(self.refused(cx, id, is_alone, error).await),
        }
    }

    /// From here on others wait. Answers whether nobody has begun before: who has, and was not heard of for long, may still be at it.
    async fn begin_ending(&mut self, cx: &Context, id: Uuid) -> Result<bool> {
        let began = self.ending.replace(cx.now());
        if began.is_some_and(|began| began.plus_seconds(ENDING) > cx.now())
            || !self.keep(cx, id, Expected::Version(self.version), PATIENCE).await?
        {
            return Err(busy());
        }
        self.version += 1;
        Ok(began.is_none())
    }

    /// Gives the upload up when its item is refused. Its content goes when nobody else can be about to name it, else it is left to
    /// the sweep; where it is not clear what has become of the item, all stays, and who asks again finds out.
    async fn refused(&mut self, cx: &Context, id: Uuid, is_alone: bool, error: Error) -> Error {
        let is_clear =
            !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal);
        if is_clear && is_alone {
            self.ending = Some(cx.now());
            let given_up = async {
                if self.keep(cx, id, Expected::Version(self.version), PATIENCE).await? {
                    forget_content(cx, ContentId::new(id), &error).await;
                    Self::forget(cx, id).await?;
                }
                Ok::<(), Error>(())
            };
            if let Err(failure) = given_up.await {
                tracing::warn!(error = %failure.report(), upload = %id, "a refused upload is left to the sweep");
            }
        }
        error
    }

    /// Keeps for a while which item was made. Whoever asks without that is told by the item itself.
    async fn tell(&mut self, cx: &Context, id: Uuid) {
        self.item = Some(id);
        if let Err(error) = self.keep(cx, id, Expected::Any, TOLD).await {
            tracing::debug!(error = %error.report(), upload = %id, "it is not kept what has become of an upload");
        }
    }

    /// Refuses who may not make the item now, and keeps all as it is: the right key may come.
    async fn check_rights(&self, cx: &Context, route: &Route<'_>) -> Result<()> {
        let said = self.documents()?;
        match check_new_file(cx, route, &said.outline(&name::of(said.name.as_deref()), None)).await {
            Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::Unauthenticated) => {
                Err(error)
            }
            // The creation refuses it once more, and gives it up.
            _ => Ok(()),
        }
    }

    async fn item_of(
        &self,
        cx: &Context,
        route: &Route<'_>,
        store: &dyn DataProvider,
        content: Content,
    ) -> Result<Reply> {
        let mut said = self.documents()?;
        let name = name::of(said.name.take().as_deref());
        let range = if content.size == 0 { ByteRange::All } else { ByteRange::Span(0, ENOUGH as u64 - 1) };
        let read = store.get(content.id, range).await?;
        let read = read.ok_or_else(|| Error::internal("the storage has lost an upload"))?;
        let (first, _) = crate::peek::peek(read.data).await?;
        let content_type = kind::media_type(&first, self.content_type.as_deref(), &name);
        let type_name = type_to_be(cx, route, &said, &name, &content_type).await;
        let (id, document) = (Some(content.id.as_uuid()), said.document(said.extent(), &name, type_name));
        let file = NewFile { id, document, content, content_type };
        create_files(cx, route, std::iter::once(file), true).await
    }
}

/// The item that was made of an upload, as far as the caller may read it.
///
/// # Errors
/// Conflict when there is one that it may not read, or another one under the id of the upload, which an administrator has given it: what
/// has come is still there then.
async fn made(cx: &Context, id: Uuid) -> Result<Option<Reply>> {
    // Asked first: it may be made between the two questions.
    let is_made = !cx.services.items.contents_in_use(&[id]).await?.is_empty();
    if let Some(item) = cx.services.items.get(&cx.access, id).await? {
        // Where its content has been replaced since, nothing is left of the upload.
        if !is_made && item.content != Some(id) && is_left(cx, id).await? {
            let message = "another item has the id of the upload: give the upload up, and begin anew";
            return Err(Error::conflict(message));
        }
        return Ok(Some(Reply::Created {
            items: Rendered::new(cx, vec![item]),
            single: true,
            replayed: true,
        }));
    }
    if is_made {
        return Err(Error::conflict("an item has been made of the upload already"));
    }
    Ok(None)
}

/// Whether what has come of an upload is there still, whether all of it or a part.
async fn is_left(cx: &Context, id: Uuid) -> Result<bool> {
    let (store, id) = (store(cx)?, ContentId::new(id));
    Ok(store.upload_offset(id).await?.is_some() || store.head(id).await?.is_some())
}

fn busy() -> Error {
    Error::unavailable("the upload is being finished: ask again")
}

/// The account of the caller: nobody else goes on with what it has begun.
fn signed_in(cx: &Context) -> Result<Uuid> {
    let missing = || Error::new(ErrorKind::Unauthenticated, "this needs a signed-in account");
    cx.caller().account.ok_or_else(missing)
}

fn read(record: &AuthRecord) -> Result<Pending> {
    let read: Pending = serde_json::from_slice(&record.value)
        .map_err(|error| Error::internal("the record of an upload can not be read").with_source(error))?;
    Ok(Pending { version: record.version, ..read })
}
