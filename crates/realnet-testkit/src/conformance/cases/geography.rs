//! Geography: near and within, exact, with full pages.

use realnet_core::ErrorKind;
use realnet_core::model::Location;
use serde_json::json;

use crate::conformance::{Draft, World, expect_kind, item};

/// Whether the store knows places; one that does not must say so instead of finding nothing.
async fn knows_places(world: &World) -> bool {
    let able = world.stores.items.capabilities().geography;
    if !able {
        let find = world.find("Place").with("near", "0,0,1");
        expect_kind(find.try_run(&find.query()).await, ErrorKind::Unsupported);
    }
    able
}

fn square(name: &str, west: f64, south: f64, east: f64, north: f64) -> Draft {
    let ring = vec![[west, south], [east, south], [east, north], [west, north], [west, south]];
    item("Place").name(name).location(Location::Polygon(vec![ring]))
}

async fn fill(world: &World) {
    let point = |name: &str, lon: f64, lat: f64| item("Place").name(name).at(lon, lat);
    let places = vec![
        point("zurich", 8.5417, 47.3769),
        point("bern", 7.4474, 46.9480),
        point("geneva", 6.1432, 46.2044),
        point("fiji west", 179.9, -17.0),
        point("fiji east", -179.9, -17.0),
        point("north pole", 0.0, 90.0),
        point("near the pole", 120.0, 89.9),
        point("south pole", 50.0, -90.0),
        point("null island", 0.0, 0.0),
        item("Place").name("nowhere"),
        square("alps", 6.0, 45.5, 10.0, 47.0),
        square("big", -20.0, -20.0, 20.0, 20.0),
    ];
    world.create_all(&world.acme.alice, places).await;
}

/// Within a distance along the great circle, across the antimeridian and at the poles.
pub async fn near_is_along_the_great_circle(world: World) {
    if !knows_places(&world).await {
        return;
    }
    fill(&world).await;
    let near =
        |lon: f64, lat: f64, metres: f64| world.find("Place").with("near", format!("{lon},{lat},{metres}"));
    near(8.54, 47.37, 1_000.0).gives(&["zurich"]).await;
    near(8.54, 47.37, 100_000.0).gives(&["zurich", "bern", "alps"]).await;
    near(180.0, -17.0, 11_000.0).gives(&["fiji west", "fiji east"]).await;
    near(-180.0, -17.0, 11_000.0).gives(&["fiji west", "fiji east"]).await;
    near(179.95, -17.0, 6_000.0).gives(&["fiji west"]).await;
    near(-60.0, 90.0, 12_000.0).gives(&["north pole", "near the pole"]).await;
    near(77.0, -89.99, 5_000.0).gives(&["south pole"]).await;
    near(8.0, 46.0, 1.0).gives(&["alps"]).await;
    near(0.0, 0.0, 0.0).gives(&["null island", "big"]).await;
    for (lon, lat) in
        [(8.5, 47.4), (0.0, 0.0), (180.0, 0.0), (-179.0, -17.0), (10.0, 80.0), (0.0, 90.0), (21.0, 0.0)]
    {
        for metres in [1.0, 1_000.0, 50_000.0, 150_000.0, 3_000_000.0, 12_000_000.0, 20_100_000.0] {
            near(lon, lat, metres).order("name").limit(3).check().await;
        }
    }
}

/// Wholly inside a box or polygon, boxes across the antimeridian included.
pub async fn within_is_wholly_inside(world: World) {
    if !knows_places(&world).await {
        return;
    }
    fill(&world).await;
    let within = |area: &str| world.find("Place").with("within", area);
    within("6,45,9,48").gives(&["zurich", "bern", "geneva"]).await;
    within("5,45,11,48").gives(&["zurich", "bern", "geneva", "alps"]).await;
    within("179,-18,-179,-16").gives(&["fiji west", "fiji east"]).await;
    within("-180,-90,180,90").check().await;
    within("-21,-21,21,21").gives(&["null island", "big"]).await;
    within("0,0,0,0").gives(&["null island"]).await;
    let triangle =
        json!({"type": "Polygon", "coordinates": [[[6.0, 46.0], [9.0, 46.0], [9.0, 48.0], [6.0, 46.0]]]});
    within(&triangle.to_string()).check().await;
    let ring = json!([[5.0, 45.0], [11.0, 45.0], [11.0, 48.0], [5.0, 48.0], [5.0, 45.0]]);
    let hole = json!([[7.0, 46.8], [7.0, 47.2], [8.0, 47.2], [8.0, 46.8], [7.0, 46.8]]);
    let with_hole = json!({"type": "Polygon", "coordinates": [ring, hole]});
    within(&with_hole.to_string()).gives(&["zurich", "geneva"]).await;
    for area in ["-30,-30,30,50", "170,-90,-170,90", "0,40,20,50", "7.4474,46.948,8,47"] {
        within(area).order("name.desc").limit(2).check().await;
    }
}

/// A place is found where it is now, by those who may read it, together with other filters.
pub async fn places_move(world: World) {
    if !knows_places(&world).await {
        return;
    }
    let alice = world.acme.alice.clone();
    let near = |lon: f64, lat: f64| world.find("Place").with("near", format!("{lon},{lat},1000"));
    let place = world.create(&alice, item("Place").name("wanderer").at(1.0, 1.0).attr("rank", 1)).await;
    near(1.0, 1.0).gives(&["wanderer"]).await;
    world.update(&alice, place.id, |item| item.location = Some(Location::Point([2.0, 2.0]))).await.unwrap();
    near(1.0, 1.0).gives(&[]).await;
    near(2.0, 2.0).with("rank", "1").gives(&["wanderer"]).await;
    near(2.0, 2.0).with("rank", "2").gives(&[]).await;
    near(2.0, 2.0).by(&world.acme.bob).gives(&[]).await;
    near(2.0, 2.0).by(&world.umbrella.admin).gives(&[]).await;
    world.update(&alice, place.id, |item| item.location = None).await.unwrap();
    near(2.0, 2.0).gives(&[]).await;
    let again = world.create(&alice, item("Place").name("other").at(2.0, 2.0)).await;
    near(2.0, 2.0).gives(&["other"]).await;
    world.delete(&alice, again.id).await.unwrap();
    near(2.0, 2.0).gives(&[]).await;
}

/// Pages of places are full, however many near ones the caller can not read.
pub async fn pages_of_places_are_full(world: World) {
    if !knows_places(&world).await {
        return;
    }
    let [alice, bob] = [world.acme.alice.clone(), world.acme.bob.clone()];
    let place = |index: usize| {
        let angle = index as f64 * 0.37;
        let owner = if index.is_multiple_of(4) { alice.account } else { bob.account };
        let draft = item("Place").name(format!("p{index:03}")).attr("rank", index % 9).owner(owner);
        draft.at(10.0 + angle.cos() * index as f64 * 0.01, 50.0 + angle.sin() * index as f64 * 0.01)
    };
    let drafts = (0..150).map(|index| place(index).org(world.acme.id)).collect();
    world.create_all(&world.system(), drafts).await;
    for metres in [10_000, 60_000, 500_000] {
        for order in ["created_at", "rank.desc", "name.desc"] {
            let find = world.find("Place").by(&alice).with("near", format!("10,50,{metres}")).order(order);
            find.limit(3).check().await;
        }
    }
}
