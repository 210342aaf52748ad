//! A file of which not all is there yet: what was said of it, kept as a record until its item is made.

use realnet_core::acl::Permission;
use realnet_core::provider::{
    AuthRecord, ByteRange, Checksum, Content, ContentId, DataProvider, Expectation, Expected, RecordKind,
};
use realnet_core::resource::default::{check_new_file, create_files};
use realnet_core::resource::{Context, Reply, Resources, Route};
use realnet_core::{Error, ErrorKind, Result, Uuid};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::documents::Said;
use crate::peek::ENOUGH;
use crate::upload::{store, type_to_be};
use crate::{kind, name};

/// For so many seconds an upload waits for who goes on with it.
pub(crate) const PATIENCE: i64 = 24 * 3600;
/// For so many seconds it is told what has become of it.
const TOLD: i64 = 3600;
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
}

impl Pending {
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
        let records = cx.services.credentials.records_of(account, RecordKind::Upload, cx.now()).await?;
        if records.iter().filter(|record| read(record).is_ok_and(|pending| pending.item.is_none())).count()
            >= MAX_PENDING
        {
            let message =
                format!("{MAX_PENDING} uploads of yours are not finished: go on with them, or give some up");
            return Err(Error::new(ErrorKind::RateLimited, message));
        }
        if self.keep(cx, id, Expected::Absent, PATIENCE).await? {
            Ok(())
        } else {
            Err(Error::internal("the id of a new upload was there already"))
        }
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

    /// The route of the endpoint at which its item will be.
    pub(crate) fn route<'a>(&'a self, cx: &'a Context, resources: &'a Arc<Resources>) -> Route<'a> {
        let info = cx.registry().endpoint(cx.caller().org, &self.endpoint);
        Route { endpoint: &self.endpoint, info, resources }
    }

    /// Makes the item of a file of which all is there. Asked again after a crash, it goes on where that was.
    pub(crate) async fn complete(mut self, cx: &Context, route: &Route<'_>, id: Uuid) -> Result<Reply> {
        let store = store(cx)?;
        let _finishing = Finishing::begin(id)?;
        self.check_rights(cx, route).await?;
        let content = match store.finish_upload(ContentId::new(id), self.expected(cx)).await {
            Ok(content) => content,
            Err(error) => {
                // What is another file than was announced will not become the right one.
                if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::TooLarge) {
                    store.abort_upload(ContentId::new(id)).await?;
                    Self::forget(cx, id).await?;
                }
                return Err(error);
            }
        };
        if !cx.services.items.contents_in_use(&[id]).await?.is_empty() {
            return Err(Error::conflict("an item has been made of the upload already"));
        }
        let made = self.item_of(cx, route, store, content).await;
        match &made {
            Ok(Reply::Created { items, .. }) => {
                self.item = items.value.first().map(|item| item.id);
                self.keep(cx, id, Expected::Any, TOLD).await?;
            }
            Ok(_) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal
                ) => {}
            // The content has gone by now, unless an item names it: another request may have made one meanwhile.
            Err(_) => {
                if cx.services.items.contents_in_use(&[id]).await?.is_empty() {
                    Self::forget(cx, id).await?;
                }
            }
        }
        made
    }

    /// Refuses who may not make the item now, and keeps all as it is: the right key may come.
    async fn check_rights(&self, cx: &Context, route: &Route<'_>) -> Result<()> {
        let said = self.documents()?;
        match check_new_file(cx, route, &said.document(&name::of(said.name.as_deref()), None)).await {
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
        let file = said.file(&name, type_name, content, content_type);
        create_files(cx, route, vec![file], true).await
    }
}

/// Uploads of which this process makes the items at the moment.
static FINISHING: Mutex<BTreeSet<Uuid>> = Mutex::new(BTreeSet::new());

/// The only one here who ends an upload: of two, each could take the content away from the other's item.
struct Finishing(Uuid);

impl Finishing {
    fn begin(id: Uuid) -> Result<Self> {
        if finishing().insert(id) {
            return Ok(Self(id));
        }
        Err(Error::unavailable("the upload is being finished: ask again"))
    }
}

impl Drop for Finishing {
    fn drop(&mut self) {
        finishing().remove(&self.0);
    }
}

fn finishing() -> MutexGuard<'static, BTreeSet<Uuid>> {
    FINISHING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The account of the caller: nobody else goes on with what it has begun.
fn signed_in(cx: &Context) -> Result<Uuid> {
    let missing = || Error::new(ErrorKind::Unauthenticated, "this needs a signed-in account");
    cx.caller().account.ok_or_else(missing)
}

fn read(record: &AuthRecord) -> Result<Pending> {
    serde_json::from_slice(&record.value)
        .map_err(|error| Error::internal("the record of an upload can not be read").with_source(error))
}
