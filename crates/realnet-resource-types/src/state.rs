//! What a plan has to know of the store, in as few reads as possible.

use std::collections::{BTreeSet, HashSet};

use realnet_core::change::SourceRecord;
use realnet_core::load::{Document, Needs, State, Target, needs};
use realnet_core::model::Item;
use realnet_core::provider::Access;
use realnet_core::query::{Literal, Operand, OrgScope, Predicate, Property, Query};
use realnet_core::registry::TypeInfo;
use realnet_core::resource::Services;
use realnet_core::{Result, Uuid};

/// How many names one query asks for.
const NAMES: usize = 500;

/// Reads what planning `documents` needs: records of what was applied, and the items concerned.
pub(crate) async fn of_documents(
    services: &Services,
    access: &Access,
    documents: &[Document],
    target: &Target,
    with_items: bool,
) -> Result<State> {
    let mut sources = services.sources.sources(target.layer).await?;
    if with_items && target.layer != Some(target.org) {
        sources.extend(services.sources.sources(Some(target.org)).await?);
    }
    let items = if with_items {
        let wanted = needs(&access.registry, &sources, documents, target);
        items(services, access, target.org, wanted).await?
    } else {
        Vec::new()
    };
    Ok(State { registry: access.registry.clone(), sources, items, secrets: services.secrets.clone() })
}

/// The document that a type was applied from last.
pub(crate) async fn source_of(services: &Services, info: &TypeInfo) -> Result<Option<String>> {
    let records = services.sources.sources(info.org()).await?;
    let found = records.into_iter().find(|record| record.object == info.id());
    Ok(found.map(|record| record.source))
}

/// Reads what comparing with everything that was applied needs.
pub(crate) async fn of_records(services: &Services, access: &Access, target: &Target) -> Result<State> {
    let mut sources = services.sources.sources(target.layer).await?;
    if target.layer != Some(target.org) {
        sources.extend(services.sources.sources(Some(target.org)).await?);
    }
    let ids: BTreeSet<Uuid> = sources.iter().map(|record: &SourceRecord| record.object).collect();
    let items = items(services, access, target.org, Needs { ids, ..Needs::default() }).await?;
    Ok(State { registry: access.registry.clone(), sources, items, secrets: services.secrets.clone() })
}

async fn items(services: &Services, access: &Access, org: Uuid, wanted: Needs) -> Result<Vec<Item>> {
    let ids: Vec<Uuid> = wanted.ids.into_iter().collect();
    let mut found = services.items.get_all(access, &ids).await?;
    let types: Vec<Uuid> = access
        .registry
        .types()
        .map(realnet_core::registry::TypeInfo::id)
        .filter(|id| wanted.types.contains(id))
        .collect();
    let names: Vec<String> = wanted.names.into_iter().collect();
    if !types.is_empty() {
        for names in names.chunks(NAMES) {
            named(services, access, org, &types, names, &mut found).await?;
        }
    }
    let mut seen = HashSet::new();
    found.retain(|item| seen.insert(item.id));
    Ok(found)
}

async fn named(
    services: &Services,
    access: &Access,
    org: Uuid,
    types: &[Uuid],
    names: &[String],
    found: &mut Vec<Item>,
) -> Result<()> {
    let mut query = Query::of(OrgScope::One(org), types.to_vec());
    query.filter = Predicate::In {
        operand: Operand::Property(Property::Name),
        values: names.iter().cloned().map(Literal::Text).collect(),
    };
    query.limit = Query::MAX_LIMIT;
    loop {
        let page = services.items.list(access, &query).await?;
        found.extend(page.items);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(()),
        }
    }
}
