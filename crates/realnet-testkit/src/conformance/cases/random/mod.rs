//! Random items, grants, callers and queries: each list equals the oracle's, page by page, total included, and so do the figures
//! of each aggregate.

mod ask;
mod stock;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use self::ask::{Ask, ask};
use self::stock::{Stock, stock};
use super::inherited;
use crate::conformance::{Org, World};

/// How many random stores' worth of items are tried.
const CASES: u32 = 30;

/// Whatever is stored, whoever asks and however: the list is what the rules say, and figures are those of its items.
pub async fn every_list_is_what_the_rules_say(world: World) {
    one_case(&world, &Stock::default(), &[]).await.unwrap();
    let config =
        Config { cases: CASES, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    // Always the same cases: a failure comes again, and a run that passes keeps passing.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let strategy = (stock(), prop::collection::vec(ask(), 1..12));
    let handle = tokio::runtime::Handle::current();
    let result = tokio::task::block_in_place(|| {
        runner.run(&strategy, |(stock, asks)| handle.block_on(one_case(&world, &stock, &asks)))
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// Two new orgs for each case, so that shrinking begins anew.
async fn one_case(world: &World, stock: &Stock, asks: &[Ask]) -> Result<(), TestCaseError> {
    let [org, other] = [Org::new(&world.source), Org::new(&world.source)];
    world.settle(&org).await;
    world.settle(&other).await;
    let made = stock.write(world, &org, &other).await;
    let snapshot = world.snapshot().await;
    inherited::check(&world.registry.current(), &snapshot).map_err(TestCaseError::fail)?;
    for ask in asks {
        let find = ask.find(world, &made, &org, &other);
        if let Err(error) = find.try_query() {
            return Err(TestCaseError::fail(format!("{find}: {error:?}")));
        }
        find.compare(&snapshot).await.map_err(TestCaseError::fail)?;
        let figures = ask.figures(world, &made, &org, &other);
        figures.compare_figures(&snapshot).await.map_err(TestCaseError::fail)?;
    }
    Ok(())
}
