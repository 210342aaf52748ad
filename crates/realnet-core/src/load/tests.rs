//! Tests of plans against a store that is nothing but maps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Action, Document, Options, OrgTemplate, Plan, State, Target, drift, parse_json, plan};
use crate::acl::{Caller, OrgRole};
use crate::change::{Operation, SourceRecord, Version};
use crate::clock::IdSource;
use crate::error::Result;
use crate::model::{Attributes, Item};
use crate::registry::TypeRegistry;
use crate::secret::Secrets;

#[derive(Default)]
struct Numbers(AtomicU64);

impl IdSource for Numbers {
    fn next_id(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1000)
    }
}

/// A store: types, items, records.
#[derive(Default)]
pub(super) struct World {
    pub(super) registry: Arc<TypeRegistry>,
    pub(super) items: Vec<Item>,
    pub(super) sources: Vec<SourceRecord>,
    secrets: Secrets,
    ids: Numbers,
}

pub(super) fn org() -> Uuid {
    Uuid::from_u128(1)
}

fn system() -> Target {
    Target::of(Arc::new(Caller::system(org())))
}

impl World {
    fn state(&self) -> State {
        State {
            registry: Arc::clone(&self.registry),
            sources: self.sources.clone(),
            items: self.items.clone(),
            secrets: self.secrets.clone(),
        }
    }

    pub(super) fn plan(&self, documents: &[Document], options: Options) -> Result<Plan> {
        self.plan_by(&system(), documents, options)
    }

    pub(super) fn plan_by(&self, target: &Target, documents: &[Document], options: Options) -> Result<Plan> {
        plan(&self.state(), documents, target, options, &self.ids)
    }

    pub(super) fn apply(&mut self, plan: &Plan) {
        if let Some(next) = &plan.next_registry {
            self.registry = Arc::clone(next);
        }
        for operation in &plan.operations {
            match operation {
                Operation::Create(item) => {
                    assert!(
                        item.parent_id.is_none_or(|parent| self.items.iter().any(|item| item.id == parent))
                    );
                    self.items.push(Item::clone(item));
                }
                Operation::Update { id, expected_version, edit } => {
                    let slot = self.items.iter_mut().find(|item| item.id == *id).unwrap();
                    assert_eq!(*expected_version, Some(Version::of(slot)));
                    *slot = Item { version: slot.version + 1, ..edit(slot).unwrap() };
                }
                Operation::SetGrants { id, grants, .. } => {
                    let slot = self.items.iter_mut().find(|item| item.id == *id).unwrap();
                    slot.grants.clone_from(grants);
                    slot.version += 1;
                }
                Operation::Delete { id, guard, .. } => {
                    let doomed = self.items.iter().find(|item| item.id == *id).unwrap();
                    guard.as_ref().unwrap()(doomed).unwrap();
                    assert!(!self.items.iter().any(|item| item.parent_id == Some(*id)), "children first");
                    self.items.retain(|item| item.id != *id);
                }
                Operation::Source { record, remove } => {
                    let same =
                        |other: &SourceRecord| other.object == record.object && other.kind == record.kind;
                    self.sources.retain(|other| !same(other));
                    if !remove {
                        self.sources.push(record.clone());
                    }
                }
                Operation::PutType(_) | Operation::RemoveType(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(super) fn load(&mut self, documents: &[Document]) -> Plan {
        let plan = self.plan(documents, Options::default()).unwrap();
        self.apply(&plan);
        plan
    }

    fn definition(&self, name: &str) -> crate::model::TypeDefinition {
        crate::model::TypeDefinition::clone(self.registry.find(org(), name).unwrap().definition())
    }

    pub(super) fn item(&mut self, name: &str) -> &mut Item {
        self.items.iter_mut().find(|item| item.name == name).unwrap()
    }
}

pub(super) fn document(source: &str, value: &Value) -> Document {
    parse_json(source, &value.to_string()).unwrap()
}

pub(super) fn crm(tier: &str) -> Value {
    json!({
        "types": [
            {"name": "Item", "icon": "category"},
            {"name": "Role", "base": "Item"},
            {"name": "Folder", "base": "Item"},
            {"name": "Customer", "base": "Item", "icon": "person", "fields": [
                {"name": "email", "type": "email", "required": true, "unique": true},
                {"name": "tier", "type": "enum", "values": ["free", "pro"], "default": "free"},
                {"name": "active", "type": "boolean"},
                {"name": "pin", "type": "secret"},
                {"name": "manager", "type": "reference", "reference": "Customer"}
            ]}
        ],
        "items": [
            {"name": "Acme", "type": "Customer", "email": "a@acme.test", "tier": tier, "active": "true", "pin": "1234",
             "manager": {"$ref": {"type": "Customer", "name": "Boss"}}, "public": "true", "tags": ["b", "a"],
             "access": [{"subject": {"type": "role", "id": "Staff"}, "permissions": ["read"]}]},
            {"name": "Box", "type": "Folder", "items": [{"name": "Boss", "type": "Customer", "email": "b@acme.test"}]},
            {"name": "Staff", "type": "Role"}
        ]
    })
}

#[test]
fn creates_in_order_and_only_once() {
    let mut world = World::default();
    let documents = [document("crm.json", &crm("pro"))];
    let plan = world.load(&documents);
    assert_eq!((plan.count(Action::Create), plan.entries.len()), (8, 8), "{plan:?}");
    let boss = world.item("Boss").clone();
    assert_eq!(boss.parent_id, Some(world.item("Box").id));
    assert_eq!(boss.attributes.get("tier"), Some(&json!("free")), "the default");
    let staff = world.item("Staff").id;
    let acme = world.item("Acme");
    assert_eq!(acme.attributes.get("manager"), Some(&json!(boss.id.to_string())));
    assert_eq!((acme.attributes.get("active"), acme.public), (Some(&json!(true)), true));
    assert_eq!(acme.tags, ["a", "b"]);
    assert_eq!(acme.grants[0].subject, crate::acl::Subject::Role(staff));
    let again = world.plan(&documents, Options::default()).unwrap();
    assert!(again.is_empty() && again.entries.is_empty() && again.next_registry.is_none(), "{again:?}");
    assert!(drift(&world.state(), &system()).is_empty());
    let text = format!("{:?}{:?}", world.sources, plan.to_json(true));
    assert!(!text.contains("1234"), "records and plans hold no secret");
}

#[test]
fn a_document_changes_what_no_hand_has_changed() {
    let mut world = World::default();
    world.load(&[document("crm.json", &crm("pro"))]);
    world.item("Acme").status = Some("own".to_owned());
    let mut next = crm("free");
    next["types"][3]["icon"] = json!("people");
    let documents = [document("crm.json", &next)];
    let plan = world.load(&documents);
    assert_eq!((plan.count(Action::Change), plan.entries.len()), (2, 2), "{plan:?}");
    assert_eq!(world.item("Acme").attributes.get("tier"), Some(&json!("free")));
    assert_eq!(world.item("Acme").status.as_deref(), Some("own"), "the document says nothing of it");
    assert!(world.plan(&documents, Options::default()).unwrap().is_empty());
    // Changed by hand, and then by the document too.
    let acme = world.item("Acme");
    acme.attributes = Attributes::from_map(
        acme.attributes.as_map().clone().into_iter().filter(|(key, _)| key != "tier").collect(),
    );
    let kept = world.plan(&documents, Options::default()).unwrap();
    assert_eq!((kept.count(Action::Keep), kept.operations.len()), (1, 0), "{kept:?}");
    let drifts = drift(&world.state(), &system());
    assert_eq!(drifts[0].entry.changes[0].field, "attributes/tier");
    let conflict = world.plan(&[document("crm.json", &crm("pro"))], Options::default()).unwrap();
    assert_eq!(conflict.count(Action::Conflict), 1, "{conflict:?}");
    let forced = world.plan(&documents, Options { force: true, ..Options::default() }).unwrap();
    world.apply(&forced);
    assert_eq!(world.item("Acme").attributes.get("tier"), Some(&json!("free")));
}

#[test]
fn what_was_deleted_by_hand_stays_away() {
    let mut world = World::default();
    let documents = [document("crm.json", &crm("pro"))];
    world.load(&documents);
    world.items.retain(|item| item.name != "Boss");
    let plan = world.plan(&documents, Options::default()).unwrap();
    assert!(plan.is_empty(), "{plan:?}");
    assert_eq!(plan.entries[0].note.as_deref(), Some("was deleted by hand (force brings it back)"));
    assert_eq!(drift(&world.state(), &system())[0].entry.action, Action::Delete);
    let forced = world.plan(&documents, Options { force: true, ..Options::default() }).unwrap();
    world.apply(&forced);
    let boss = world.item("Boss").id.to_string();
    assert_eq!(world.item("Acme").attributes.get("manager"), Some(&json!(boss)));
    assert!(world.plan(&documents, Options::default()).unwrap().is_empty());
}

#[test]
fn prunes_only_what_it_brought() {
    let mut world = World::default();
    world.load(&[document("crm.json", &crm("pro"))]);
    let mut own = world.item("Boss").clone();
    own.id = Uuid::from_u128(5);
    own.name = "Own".to_owned();
    world.items.push(own);
    let mut less = crm("pro");
    less["items"] = json!([{"name": "Staff", "type": "Role"}]);
    let documents = [document("crm.json", &less)];
    assert!(world.plan(&documents, Options::default()).unwrap().is_empty(), "without prune nothing goes");
    let plan = world.plan(&documents, Options { prune: true, ..Options::default() }).unwrap();
    let deletes: Vec<&str> = plan.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(deletes.len(), 3, "{deletes:?}");
    let guarded = plan.operations.iter().any(|operation| match operation {
        Operation::Delete { guard: Some(guard), .. } => guard(world.items.last().unwrap()).is_err(),
        _ => false,
    });
    assert!(guarded, "deleting takes nothing along");
    let own = world.items.pop().unwrap();
    world.apply(&plan);
    world.items.push(own);
    assert_eq!(world.items.len(), 2);
    assert!(world.plan(&documents, Options { prune: true, ..Options::default() }).unwrap().is_empty());
}

#[test]
fn what_has_no_source_is_taken_over_only_on_demand() {
    let mut world = World::default();
    world.load(&[document("crm.json", &crm("pro"))]);
    let mut other = crm("free");
    other["types"] = json!([]);
    let documents = [document("other.json", &other)];
    let plan = world.plan(&documents, Options::default()).unwrap();
    assert_eq!((plan.count(Action::Conflict), plan.operations.len()), (4, 0), "{plan:?}");
    let adopted = world.plan(&documents, Options { adopt: true, ..Options::default() }).unwrap();
    world.apply(&adopted);
    assert_eq!(world.item("Acme").attributes.get("tier"), Some(&json!("free")));
    assert!(world.sources.iter().filter(|record| record.source == "other.json").count() == 4);
    assert!(world.plan(&documents, Options::default()).unwrap().is_empty());
}

#[test]
fn what_is_taken_over_keeps_what_the_document_does_not_speak_of() {
    let mut world = World::default();
    world.load(&[document("crm.json", &crm("pro"))]);
    let name = crm("pro")["types"][0]["name"].clone();
    let before = world.definition(name.as_str().unwrap());
    let more = json!({"types": [{"name": name, "fields": [{"name": "badge", "type": "string"}]}]});
    let documents = [document("other.json", &more)];
    let adopted = world.plan(&documents, Options { adopt: true, ..Options::default() }).unwrap();
    world.apply(&adopted);
    let after = world.definition(name.as_str().unwrap());
    assert_eq!(
        (&after.base, &after.attributes, &after.access),
        (&before.base, &before.attributes, &before.access)
    );
    let fields = |definition: &crate::model::TypeDefinition| -> Vec<String> {
        definition.fields.iter().map(|field| field.name.clone()).collect()
    };
    let expected: Vec<String> = fields(&before).into_iter().chain(["badge".to_owned()]).collect();
    assert_eq!(fields(&after), expected);
}

#[test]
fn resource_types_know_nothing_of_apps() {
    let base = json!({"types": [{"name": "Item"}, {"name": "App", "base": "Item"}]});
    let apps = json!({"types": [{"name": "MyApp", "base": "App"}]});
    let wrong = json!({"types": [{"name": "X", "fields": [{"name": "app", "type": "reference", "reference": "MyApp"}]}]});
    let documents =
        [document("core.json", &base), document("my_apps.json", &apps), document("x.json", &wrong)];
    let world = World::default();
    let error = world.plan(&documents, Options::default()).unwrap_err();
    assert!(
        error
            .message()
            .contains("the resource type X has a field that refers to MyApp, which is an app type")
    );
    let mut stored = World::default();
    stored.load(&documents[..2]);
    assert!(stored.plan(&documents[2..], Options::default()).is_err(), "stored app types count too");
}

#[test]
fn administrators_write_their_own_layer() {
    let mut world = World::default();
    world.load(&[document("crm.json", &crm("pro"))]);
    let caller =
        Caller { role: Some(OrgRole::Admin), account: Some(Uuid::from_u128(9)), ..Caller::anonymous(org()) };
    let target = Target::of(Arc::new(caller));
    let own = json!({"types": [{"name": "Vip", "base": "Customer"}], "items": [{"name": "V", "type": "Vip", "email": "v@a.test"}]});
    let planned =
        plan(&world.state(), &[document("own.json", &own)], &target, Options::default(), &world.ids).unwrap();
    let registry = planned.next_registry.as_ref().unwrap();
    assert_eq!(registry.find(org(), "Vip").unwrap().org(), Some(org()));
    let system = json!({"types": [{"name": "Customer", "base": "Item"}]});
    let error =
        plan(&world.state(), &[document("own.json", &system)], &target, Options::default(), &world.ids);
    assert!(error.unwrap_err().message().contains("can not redefine"));
}

#[test]
fn accounts_are_not_made_by_documents() {
    let mut world = World::default();
    world.load(&[document("core.json", &json!({"types": [{"name": "Item"}, {"name": "Account"}]}))]);
    let with = |attributes: Value| {
        document("x.json", &json!({"items": [{"name": "A", "type": "Account", "attributes": attributes}]}))
    };
    let caller = Caller { role: Some(OrgRole::Admin), ..Caller::anonymous(org()) };
    let admin = Target::of(Arc::new(caller));
    let refused = plan(&world.state(), &[with(json!({}))], &admin, Options::default(), &world.ids);
    assert!(refused.unwrap_err().message().contains("not made by documents"));
    let password = world.plan(&[with(json!({"password": "x"}))], Options::default());
    assert!(password.unwrap_err().message().contains("passwords are not given"));
}

#[test]
fn a_new_org_gets_the_items() {
    let mut world = World::default();
    let documents = vec![document("crm.json", &crm("pro"))];
    world.load(&documents);
    let operations = OrgTemplate::new(documents)
        .operations(&world.registry, Uuid::from_u128(2), &world.ids, &world.secrets)
        .unwrap();
    let created: Vec<&str> = operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::Create(item) => (item.org == Uuid::from_u128(2)).then_some(item.name.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(created.len(), 4);
    let place = |name| created.iter().position(|other| *other == name);
    assert!(place("Box") < place("Boss") && place("Boss") < place("Acme") && place("Staff") < place("Acme"));
}
