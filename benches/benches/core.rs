//! The parts of the core that each request goes through, and the load of the types at the start.
#![allow(missing_docs, reason = "criterion's macros make functions without")]
#![allow(clippy::unwrap_used, reason = "a bench that can not run must stop")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use realnet_benches::sample::{self, Sample};
use realnet_core::acl::{Caller, Permission, decide};
use realnet_core::clock::{Clock, System};
use realnet_core::model::Attributes;
use realnet_core::provider::Access;
use realnet_core::query::{NoLookup, effective, matches, parse, sort_keys};
use realnet_core::registry::TypeRegistry;
use realnet_core::resource::{Projection, Rendered};
use realnet_core::{Uuid, index};

fn loading(criterion: &mut Criterion) {
    let files = sample::files().unwrap();
    let documents = sample::documents(&files).unwrap();
    let snapshot = sample::load_types(&documents).unwrap().next_registry.unwrap().snapshot();
    let mut group = criterion.benchmark_group("load");
    group.sample_size(20);
    group.bench_function("parse initialization files", |bencher| {
        bencher.iter(|| sample::documents(black_box(&files)).unwrap());
    });
    group.bench_function("plan types into an empty store", |bencher| {
        bencher.iter(|| sample::load_types(black_box(&documents)).unwrap());
    });
    group.bench_function(format!("build registry of {} types", snapshot.definitions.len()), |bencher| {
        bencher.iter(|| TypeRegistry::build(black_box(&snapshot).clone()).unwrap());
    });
}

fn reading(criterion: &mut Criterion) {
    let sample = Sample::load().unwrap();
    let (registry, user, memo) = (&sample.registry, &sample.user, &sample.memo);
    criterion.bench_function("decide: read by a grant on the type", |bencher| {
        bencher.iter(|| decide(registry, user, black_box(memo), Permission::Read));
    });
    let stranger = Caller::anonymous(memo.org);
    criterion.bench_function("decide: refuse a stranger", |bencher| {
        bencher.iter(|| decide(registry, &stranger, black_box(memo), Permission::Read));
    });
    criterion.bench_function("effective attribute", |bencher| {
        bencher.iter(|| effective(registry, black_box(memo), black_box("priority")).is_some());
    });
    let access = Access { caller: user.clone(), registry: registry.clone() };
    let rendered = Rendered::for_access(&access, memo.clone(), Projection::default());
    let mut out = Vec::with_capacity(2048);
    criterion.bench_function("render a note", |bencher| {
        bencher.iter(|| {
            out.clear();
            black_box(&rendered).write_json(&mut out);
            out.len()
        });
    });
    let text = memo.attributes.as_text().to_owned();
    criterion.bench_function("attributes from a store, looked into", |bencher| {
        bencher.iter(|| Attributes::from_stored(black_box(text.as_str())).get("priority").is_some());
    });
}

fn querying(criterion: &mut Criterion) {
    let sample = Sample::load().unwrap();
    let info = sample.note_type().unwrap();
    let now = System.now();
    let parameters = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let cases = [
        (
            "a filter and an order",
            parameters(&[("state", "eq.open"), ("order", "priority.desc"), ("limit", "50")]),
        ),
        (
            "groups, a range and a search",
            parameters(&[
                ("or", "(state.eq.open,and(priority.gte.10,priority.lt.20))"),
                ("search", "winter garden"),
                ("valid_at", "2026-01-02T03:04:05Z"),
                ("select", "name,priority"),
            ]),
        ),
    ];
    for (what, parameters) in &cases {
        let run = || parse(&sample.registry, &sample.user, Some(info), black_box(parameters), now).unwrap();
        criterion.bench_function(&format!("query parse: {what}"), |bencher| bencher.iter(run));
    }
    let query = parse(&sample.registry, &sample.user, Some(info), &cases[0].1, now).unwrap().query;
    criterion.bench_function("query match", |bencher| {
        bencher.iter(|| matches(&sample.registry, &query.filter, black_box(&sample.memo), &NoLookup));
    });
    criterion.bench_function("sort keys", |bencher| {
        bencher.iter(|| sort_keys(&sample.registry, &query.order, black_box(&sample.memo), &NoLookup));
    });
    criterion.bench_function("type by name", |bencher| {
        bencher.iter(|| sample.registry.find(Uuid::nil(), black_box("memo")).is_some());
    });
}

fn writing(criterion: &mut Criterion) {
    let sample = Sample::load().unwrap();
    let info = sample.note_type().unwrap();
    let map = sample::attributes(1);
    criterion.bench_function("validate a note", |bencher| {
        bencher.iter(|| info.validate(None, &mut black_box(&map).clone()).unwrap());
    });
    criterion.bench_function("canonical text of a note", |bencher| {
        bencher.iter(|| Attributes::from_map(black_box(&map).clone()).size());
    });
    criterion.bench_function("index entries of a note", |bencher| {
        bencher.iter(|| index::entries(&sample.registry, black_box(&sample.memo)).unwrap());
    });
}

criterion_group!(core, loading, reading, querying, writing);
criterion_main!(core);
