//! The suite notices what a store does wrong: the in-memory store, with one fault at a time, must fail a case.

mod access;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use realnet_core::acl::Caller;
use realnet_core::change::{
    ChangeFilter, ChangeRecord, ChangeSet, IdempotencyKey, Operation, Outcome, SourceRecord, StoredReply,
};
use realnet_core::clock::Timestamp;
use realnet_core::model::Item;
use realnet_core::provider::{Access, Capabilities, ItemProvider, Page, SourceProvider, TypeProvider};
use realnet_core::query::aggregate::GroupRow;
use realnet_core::query::{Aggregate, Predicate, Query};
use realnet_core::registry::TypeSnapshot;
use realnet_core::{Error, ErrorKind, Result, Uuid};
use realnet_provider_generic::MemoryStore;
use realnet_testkit::conformance::{Backend, Stores, World, cases, run};

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    ListsEverything,
    /// Counts what the caller may not read.
    CountsEverything,
    LosesAGroup,
    GetsEverything,
    IgnoresOwners,
    /// Lists what the account may read, whatever its key leaves of that.
    IgnoresScopes,
    ShortPages,
    WrongTotals,
    TotalOfThePage,
    IgnoresFilters,
    IgnoresOrder,
    RepeatsAnItem,
    EmptyLastPage,
    PartialCommits,
    IgnoresVersions,
    ForgetsReplies,
    RepliesTwice,
    SwapsChanges,
    SkipsARevision,
    ForgetsBefore,
    ShowsHistory,
    RoundsTimes,
    LosesTypeGrants,
    /// Reads items without the grants that they inherit.
    ForgetsInherited,
    /// Does not know which contents items name.
    ForgetsContents,
    StaleTypes,
    NoSignals,
    MixesSources,
    EternalSessions,
    RotatesAlways,
    RehashesWhateverIsThere,
    LastSettingWins,
    ReplacesSettingsAlways,
    SealsVisibly,
    ListsEndedSessions,
    ForgetsUse,
    EndsEverySession,
    EternalRecords,
    PutsAlways,
    TakesTwice,
    ForgetsOwners,
    PagesRecordsTwice,
    OldestEventsFirst,
    MixesEvents,
    IgnoresEventTimes,
    NoLimits,
    NeverRefills,
    KeepsSpent,
}

struct Faulty(Fault);

#[async_trait]
impl Backend for Faulty {
    async fn open(&self) -> Stores {
        let store = Arc::new(FaultyStore { store: MemoryStore::new(), fault: self.0 });
        Stores {
            items: Arc::clone(&store) as _,
            types: Arc::clone(&store) as _,
            credentials: Arc::clone(&store) as _,
            sources: store,
            guard: None,
        }
    }
}

struct FaultyStore {
    store: MemoryStore,
    fault: Fault,
}

impl FaultyStore {
    fn system(access: &Access) -> Access {
        Access { caller: Arc::new(Caller::system(access.caller.org)), registry: Arc::clone(&access.registry) }
    }

    /// The access that a list works with.
    fn misled(&self, access: &Access) -> Access {
        let mut access = access.clone();
        match self.fault {
            Fault::ListsEverything => access = Self::system(&access),
            Fault::IgnoresScopes => {
                access.caller = Arc::new(Caller { scope: None, ..(*access.caller).clone() });
            }
            Fault::IgnoresOwners => {
                access.caller = Arc::new(Caller { account: None, ..(*access.caller).clone() });
            }
            _ => {}
        }
        access
    }

    fn asked(&self, query: &Query) -> Query {
        let mut query = query.clone();
        match self.fault {
            Fault::IgnoresFilters => query.filter = Predicate::All,
            Fault::IgnoresOrder if query.after.is_none() => query.order.clear(),
            _ => {}
        }
        query
    }

    fn answered(&self, query: &Query, mut page: Page) -> Page {
        match self.fault {
            Fault::ShortPages if page.next.is_some() && page.items.len() > 1 => {
                page.items.remove(0);
            }
            Fault::WrongTotals => page.total = page.total.map(|total| total + 1),
            Fault::TotalOfThePage => page.total = page.total.map(|_| page.items.len() as u64),
            Fault::RepeatsAnItem if query.after.is_some() && !page.items.is_empty() => {
                let first = page.items[0].clone();
                page.items.insert(0, first);
                page.items.truncate(query.limit);
            }
            Fault::RoundsTimes => page.items.iter_mut().for_each(round),
            _ => {}
        }
        page
    }
}

fn round(item: &mut Item) {
    item.updated_at = Timestamp::from_micros(item.updated_at.as_micros() / 1000 * 1000);
}

#[async_trait]
impl ItemProvider for FaultyStore {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn get(&self, access: &Access, id: Uuid) -> Result<Option<Item>> {
        match self.fault {
            Fault::GetsEverything => self.store.get(&Self::system(access), id).await,
            Fault::ForgetsInherited => {
                let found = self.store.get(access, id).await?;
                Ok(found.map(|item| Item { inherited: Vec::new(), ..item }))
            }
            _ => self.store.get(access, id).await,
        }
    }

    async fn get_many(&self, access: &Access, ids: &[Uuid]) -> Result<Vec<Item>> {
        self.store.get_many(access, ids).await
    }

    async fn list(&self, access: &Access, query: &Query) -> Result<Page> {
        let page = self.store.list(&self.misled(access), &self.asked(query)).await?;
        if self.fault == Fault::EmptyLastPage && page.next.is_none() && page.items.len() == query.limit {
            // A cursor that leads to nothing.
            let last = Query { limit: query.limit - 1, ..query.clone() };
            if last.limit > 0 {
                let next = self.store.list(access, &last).await?.next;
                return Ok(Page { next, ..page });
            }
        }
        Ok(self.answered(query, page))
    }

    async fn aggregate(&self, access: &Access, asked: &Aggregate) -> Result<Vec<GroupRow>> {
        let access =
            if self.fault == Fault::CountsEverything { Self::system(access) } else { self.misled(access) };
        let asked = Aggregate { query: self.asked(&asked.query), ..asked.clone() };
        let mut rows = self.store.aggregate(&access, &asked).await?;
        if self.fault == Fault::LosesAGroup && rows.len() > 1 {
            rows.pop();
        }
        Ok(rows)
    }

    async fn commit(&self, access: &Access, mut changes: ChangeSet) -> Result<Vec<Outcome>> {
        match self.fault {
            Fault::PartialCommits if changes.next_registry.is_none() => {
                let mut outcomes = Vec::new();
                for operation in changes.operations.clone() {
                    let one = ChangeSet { operations: vec![operation], reply: None, ..changes.clone() };
                    let index = outcomes.len();
                    let done = self.store.commit(access, one).await;
                    outcomes.extend(done.map_err(|error| error.at_operation(index))?);
                }
                return Ok(outcomes);
            }
            Fault::IgnoresVersions => changes.operations.iter_mut().for_each(forget_version),
            Fault::ForgetsReplies => changes.reply = None,
            Fault::SealsVisibly => changes.operations.iter_mut().for_each(seal_visibly),
            _ => {}
        }
        let repeated = self.fault == Fault::RepliesTwice && changes.reply.is_some();
        match self.store.commit(access, changes.clone()).await {
            Err(error) if repeated && error.kind() == ErrorKind::Conflict => {
                self.store.commit(access, ChangeSet { reply: None, ..changes }).await
            }
            settled => settled,
        }
    }

    async fn stored_reply(&self, key: &IdempotencyKey) -> Result<Option<StoredReply>> {
        self.store.stored_reply(key).await
    }

    async fn history(
        &self,
        access: &Access,
        id: Uuid,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        match self.fault {
            Fault::ShowsHistory => self.store.history(&Self::system(access), id, before, limit).await,
            _ => self.store.history(access, id, before, limit).await,
        }
    }

    async fn changes_within(
        &self,
        org: Uuid,
        span: std::ops::Range<i64>,
        filter: &ChangeFilter,
        limit: usize,
    ) -> Result<Vec<ChangeRecord>> {
        self.store.changes_within(org, span, filter, limit).await
    }

    async fn changes(&self, org: Uuid, since: i64, limit: usize) -> Result<Vec<ChangeRecord>> {
        let mut changes = self.store.changes(org, since, limit).await?;
        match self.fault {
            Fault::SwapsChanges if changes.len() > 9 => changes.swap(8, 9),
            Fault::SkipsARevision => {
                changes
                    .iter_mut()
                    .filter(|record| record.revision > 8)
                    .for_each(|record| record.revision += 1);
            }
            Fault::ForgetsBefore => changes.iter_mut().for_each(|record| record.before = None),
            _ => {}
        }
        Ok(changes)
    }

    async fn contents_in_use(&self, ids: &[Uuid]) -> Result<Vec<Uuid>> {
        match self.fault {
            Fault::ForgetsContents => Ok(Vec::new()),
            _ => self.store.contents_in_use(ids).await,
        }
    }

    async fn check(&self) -> Result<()> {
        self.store.check().await
    }
}

/// A change as any other, in the place of one that nobody sees.
fn seal_visibly(operation: &mut Operation) {
    if let Operation::Reseal { id, edit } = operation {
        let (id, edit) = (*id, Arc::clone(edit));
        *operation = Operation::Update { id, expected_version: None, edit };
    }
}

fn forget_version(operation: &mut Operation) {
    match operation {
        Operation::Update { expected_version, .. }
        | Operation::Delete { expected_version, .. }
        | Operation::SetGrants { expected_version, .. } => *expected_version = None,
        _ => {}
    }
}

#[async_trait]
impl TypeProvider for FaultyStore {
    async fn load_types(&self) -> Result<TypeSnapshot> {
        let mut snapshot = self.store.load_types().await?;
        match self.fault {
            Fault::LosesTypeGrants => snapshot.grants.clear(),
            Fault::StaleTypes => snapshot.definitions.retain(|definition| definition.version == 1),
            _ => {}
        }
        Ok(snapshot)
    }

    fn type_changes(&self) -> BoxStream<'static, i64> {
        match self.fault {
            Fault::NoSignals => stream::empty().boxed(),
            _ => self.store.type_changes(),
        }
    }
}

#[async_trait]
impl SourceProvider for FaultyStore {
    async fn sources(&self, org: Option<Uuid>) -> Result<Vec<SourceRecord>> {
        let mut sources = self.store.sources(org).await?;
        if self.fault == Fault::MixesSources && org.is_some() {
            sources.extend(self.store.sources(None).await?);
        }
        Ok(sources)
    }
}

/// Whether a case fails on a store with a fault.
fn fails<F, C>(fault: Fault, case: C) -> bool
where
    C: FnOnce(World) -> F,
    F: Future<Output = ()>,
{
    catch_unwind(AssertUnwindSafe(|| run(Faulty(fault), case))).is_err()
}

/// Each fault with a case that must notice it. (That the cases pass otherwise is what the conformance test says.)
macro_rules! noticed {
    ($($fault:ident by $topic:ident::$case:ident,)*) => {
        #[test]
        fn every_fault_is_noticed() {
            let mut unnoticed: Vec<Error> = Vec::new();
            $(
                if !fails(Fault::$fault, cases::$topic::$case) {
                    unnoticed.push(Error::internal(concat!(
                        stringify!($topic), "::", stringify!($case), " does not notice ", stringify!($fault)
                    )));
                }
            )*
            assert!(unnoticed.is_empty(), "{unnoticed:#?}");
        }
    };
}

/// The faults of stores of contents, by the same rule.
mod data;

noticed! {
    ListsEverything by grants::grants_on_items,
    ListsEverything by search::only_readable_text_is_found,
    ListsEverything by random::every_list_is_what_the_rules_say,
    CountsEverything by aggregates::only_readable_items_count,
    CountsEverything by random::every_list_is_what_the_rules_say,
    LosesAGroup by aggregates::groups_come_in_order,
    IgnoresFilters by aggregates::filters_hold,
    GetsEverything by grants::grants_on_types_and_instances,
    GetsEverything by visibility::restricted_items_ignore_the_type,
    IgnoresScopes by scopes::a_key_sees_what_its_scope_leaves,
    IgnoresScopes by random::every_list_is_what_the_rules_say,
    IgnoresOwners by paging::pages_are_full_under_access_control,
    IgnoresOwners by random::every_list_is_what_the_rules_say,
    ShortPages by paging::pages_are_full_under_access_control,
    ShortPages by sort::nulls_last_and_ties_by_id,
    WrongTotals by paging::totals_are_exact,
    TotalOfThePage by paging::totals_are_exact,
    TotalOfThePage by random::every_list_is_what_the_rules_say,
    IgnoresFilters by filters::operators_on_indexed_fields,
    IgnoresFilters by visibility::hidden_items_are_asked_for,
    IgnoresFilters by geography::near_is_along_the_great_circle,
    IgnoresOrder by sort::by_every_property,
    IgnoresOrder by unicode::text_sorts_by_code_point,
    RepeatsAnItem by paging::cursors_are_stable_under_writes,
    RepeatsAnItem by paging::a_cursor_outlives_its_item,
    EmptyLastPage by paging::the_last_page_says_so,
    PartialCommits by batch::a_failing_operation_leaves_nothing,
    PartialCommits by unique::a_value_moves_within_a_set,
    IgnoresVersions by versions::another_version_fails_the_precondition,
    IgnoresVersions by versions::one_writer_wins_a_version,
    ForgetsReplies by idempotency::a_key_works_once,
    RepliesTwice by idempotency::concurrent_repeats_act_once,
    SwapsChanges by changelog::order_holds_under_concurrency,
    SkipsARevision by changelog::revisions_are_consecutive_per_org,
    ForgetsBefore by changelog::each_change_has_its_record,
    ShowsHistory by changelog::the_history_of_an_item,
    RoundsTimes by crud::every_property_is_read_back,
    LosesTypeGrants by grants::an_org_sets_grants_on_types,
    ForgetsContents by contents::contents_in_use_are_told,
    ForgetsInherited by inherited::grants_pass_down,
    ListsEverything by inherited::moved_items_inherit_where_they_stand,
    StaleTypes by types::definitions_are_read_back,
    NoSignals by types::changes_are_signalled,
    MixesSources by sources::sources_are_kept_per_object,
    EternalSessions by credentials::a_session_ends,
    RotatesAlways by credentials::one_rotation_wins,
    RehashesWhateverIsThere by credentials::a_hash_is_replaced_by_who_knows_it,
    LastSettingWins by credentials::a_setting_has_one_value,
    ReplacesSettingsAlways by credentials::a_setting_is_replaced_by_who_knows_it,
    SealsVisibly by versions::sealing_anew_is_not_seen,
    SealsVisibly by versions::sealing_anew_loses_no_write,
    ListsEndedSessions by sessions::an_account_has_its_sessions,
    ForgetsUse by sessions::everything_of_a_session_is_kept,
    EndsEverySession by sessions::all_others_are_ended,
    EternalRecords by records::a_record_ends,
    PutsAlways by records::what_is_expected_must_be_there,
    PutsAlways by records::one_change_wins,
    TakesTwice by records::one_taker_wins,
    ForgetsOwners by records::records_have_owners,
    PagesRecordsTwice by records::records_of_an_org_come_in_pages,
    OldestEventsFirst by events::newest_come_first,
    MixesEvents by events::filters_and_orgs_hold,
    IgnoresEventTimes by events::filters_and_orgs_hold,
    NoLimits by limits::no_more_than_the_rate_allows,
    NeverRefills by limits::tokens_come_back,
    KeepsSpent by limits::tokens_are_given_back,
}
