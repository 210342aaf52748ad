//! Replacing the content of an item: the new one is stored first, the commit of the item makes it the item's, and the old
//! one goes with that (see [`crate::provider::OwnedContents`]).

use std::sync::Arc;

use uuid::Uuid;

use super::{changed, check_conditions, describe, find_writable, forget_content, store, with_content};
use crate::acl::Permission;
use crate::change;
use crate::error::{Error, Result};
use crate::model::{Attributes, Item, Map};
use crate::provider::{Content, ContentId, Expectation};
use crate::resource::default::plan::Plan;
use crate::resource::{Conditions, Context, Rendered, Reply, Route, Upload, WriteOptions};

/// Replaces the content of an item.
pub async fn write_data(
    cx: &Context,
    route: &Route<'_>,
    id: Uuid,
    upload: Upload,
    options: WriteOptions,
) -> Result<Reply> {
    let Upload { data, content_type, expected, conditions } = upload;
    let store = &**store(cx)?;
    let seen = find_writable(cx, route, id, &conditions, &options).await?;
    check_conditions(store, &seen, &conditions).await?;
    let most = expected.limit.map_or(cx.max_content(), |limit| limit.min(cx.max_content()));
    let expected = Expectation { limit: Some(most), ..expected };
    // What is announced as too large is refused before it comes.
    expected.size.map_or(Ok(()), |size| Expectation { size: None, ..expected }.admit(size))?;
    let resource = Arc::clone(route.resources.of(cx.registry().require(seen.type_id)?)?);
    let (content_type, data) = resource.prepare_content(cx, &seen, content_type, data).await?;
    let content = store.put(ContentId::new(cx.services.ids.next_id()), data, expected).await?;
    let present = Present::of(&seen, &conditions);
    let committed = async {
        let about = (&content, content_type.as_deref().unwrap_or_default());
        let described = resource.describe_content(cx, &seen, Some(about)).await?;
        let change = Change { content: Some(content), content_type, described, present };
        commit(cx, route, id, change, &options).await
    };
    match committed.await {
        Ok(item) => Ok(shown(cx, item)),
        Err(error) => {
            forget_content(cx, content.id, &error).await;
            Err(error)
        }
    }
}

/// A change of what an item names as its content.
pub(super) struct Change {
    pub(super) content: Option<Content>,
    pub(super) content_type: Option<String>,
    /// What else follows from it.
    pub(super) described: Map,
    /// What it must name until then.
    pub(super) present: Present,
}

/// What an item must name for a change to be made.
pub(super) enum Present {
    /// Whatever it is.
    Any,
    /// This, or nothing.
    Only(Option<Uuid>),
}

impl Present {
    /// What was seen, if anything was asked of that.
    pub(super) fn of(seen: &Item, conditions: &Conditions) -> Self {
        if conditions.is_empty() { Self::Any } else { Self::Only(seen.content) }
    }
}

impl Change {
    fn edit(&self, registry: &crate::registry::TypeRegistry, before: &Item) -> Result<Item> {
        if matches!(self.present, Present::Only(content) if content != before.content) {
            return Err(changed());
        }
        let info = registry.require(before.type_id)?;
        let (content, mut attributes) =
            with_content(before, self.content.as_ref(), self.content_type.as_deref());
        describe(&mut attributes, &self.described);
        info.validate_next(before.instance.as_deref(), before.attributes.as_map(), &mut attributes)?;
        Ok(Item { content, attributes: Attributes::from_map(attributes), ..before.clone() })
    }
}

/// Makes an item name another content, or none.
pub(super) async fn commit(
    cx: &Context,
    route: &Route<'_>,
    id: Uuid,
    change: Change,
    options: &WriteOptions,
) -> Result<Item> {
    let resource = Arc::clone(route.resources.of(route.info()?)?);
    let registry = Arc::clone(&cx.access.registry);
    let edit = route.resources.edit(&cx.access, move |before| change.edit(&registry, before));
    let update = change::Operation::Update { id, expected_version: options.expected_version, edit };
    let mut plan = Plan::default();
    plan.add("patch", update, Vec::new(), &resource);
    let item = plan.commit(cx, None).await?.items().pop();
    item.ok_or_else(|| Error::internal("an edit gave no item"))
}

/// The item as it is now, to those who may read it.
fn shown(cx: &Context, item: Item) -> Reply {
    if cx.access.allows(&item, Permission::Read) {
        Reply::Changed(Rendered::new(cx, item))
    } else {
        Reply::Affected(1)
    }
}
