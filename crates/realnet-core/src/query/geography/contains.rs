//! Whether a location lies wholly inside an area; edges belong to both.

use geo::{Coord, CoordinatePosition as _, Polygon, coordinate_position::CoordPos};

use super::polygon;
use crate::model::{Bounds, Location};
use crate::query::Area;

/// How far, in degrees, rounding may carry a computed position off an edge (a tenth of a millimetre).
const ROUNDING: f64 = 1e-9;

/// Whether `location` lies wholly inside `area`.
pub fn is_within(location: &Location, area: &Area) -> bool {
    let own = location.bounds();
    if !area_bounds(area).iter().any(|bounds| covers(bounds, &own)) {
        return false;
    }
    match (area, location) {
        (Area::Polygon(Location::Polygon(area)), Location::Point([x, y])) => {
            is_inside(&polygon(area), Coord { x: *x, y: *y })
        }
        (Area::Polygon(Location::Polygon(area)), Location::Polygon(rings)) => covers_polygon(area, rings),
        // For a box, and for an area of one point, the bounds have said all.
        _ => true,
    }
}

/// The boxes of an area: what is wholly inside the area is wholly inside one of them. Two for a box across the
/// antimeridian.
pub fn area_bounds(area: &Area) -> Vec<Bounds> {
    match area {
        Area::Box([west, south, east, north]) => {
            let piece =
                |min_lon: f64, max_lon: f64| Bounds { min_lon, min_lat: *south, max_lon, max_lat: *north };
            if west <= east {
                vec![piece(*west, *east)]
            } else {
                vec![piece(*west, 180.0), piece(-180.0, *east)]
            }
        }
        Area::Polygon(location) => vec![location.bounds()],
    }
}

fn covers(outer: &Bounds, inner: &Bounds) -> bool {
    outer.min_lon <= inner.min_lon
        && inner.max_lon <= outer.max_lon
        && outer.min_lat <= inner.min_lat
        && inner.max_lat <= outer.max_lat
}

fn is_inside(area: &Polygon<f64>, position: Coord<f64>) -> bool {
    area.coordinate_position(&position) != CoordPos::Outside
}

type Ring = Vec<[f64; 2]>;

/// Every corner is inside, no edge leaves in between, and no hole of the area lies in the inner polygon.
fn covers_polygon(area_rings: &[Ring], rings: &[Ring]) -> bool {
    let area = polygon(area_rings);
    let inner = polygon(rings);
    let corners = rings.iter().flatten().all(|[x, y]| is_inside(&area, Coord { x: *x, y: *y }));
    corners
        && rings.iter().flat_map(|ring| ring.windows(2)).all(|edge| stays_inside(&area, area_rings, edge))
        && area_rings
            .iter()
            .skip(1)
            .filter_map(|hole| point_in_ring(hole))
            .all(|position| inner.coordinate_position(&position) != CoordPos::Inside)
}

/// Cuts an edge where it meets the area's edges; the middle of each piece tells for the whole piece.
fn stays_inside(area: &Polygon<f64>, area_rings: &[Ring], edge: &[[f64; 2]]) -> bool {
    let (start, end) = (edge[0], edge[1]);
    let mut cuts: Vec<f64> = vec![0.0, 1.0];
    for other in area_rings.iter().flat_map(|ring| ring.windows(2)) {
        meetings(start, end, other[0], other[1], &mut cuts);
    }
    cuts.sort_by(f64::total_cmp);
    cuts.windows(2).all(|pair| {
        let t = f64::midpoint(pair[0], pair[1]);
        let middle = Coord { x: start[0] + (end[0] - start[0]) * t, y: start[1] + (end[1] - start[1]) * t };
        is_inside(area, middle) || is_on_edge(area_rings, middle)
    })
}

/// Adds the places (0 to 1 along `start`–`end`) where the other segment begins, ends or crosses.
fn meetings(start: [f64; 2], end: [f64; 2], a: [f64; 2], b: [f64; 2], cuts: &mut Vec<f64>) {
    let apart = |axis: usize| {
        start[axis].max(end[axis]) < a[axis].min(b[axis]) || a[axis].max(b[axis]) < start[axis].min(end[axis])
    };
    if apart(0) || apart(1) {
        return;
    }
    let (dx, dy) = (end[0] - start[0], end[1] - start[1]);
    let (ex, ey) = (b[0] - a[0], b[1] - a[1]);
    let cross = dx * ey - dy * ex;
    if cross != 0.0 {
        let t = ((a[0] - start[0]) * ey - (a[1] - start[1]) * ex) / cross;
        cuts.extend((t > 0.0 && t < 1.0).then_some(t));
        return;
    }
    let squared = dx * dx + dy * dy;
    for [x, y] in [a, b] {
        let t = ((x - start[0]) * dx + (y - start[1]) * dy) / squared;
        cuts.extend((t > 0.0 && t < 1.0).then_some(t));
    }
}

fn is_on_edge(rings: &[Ring], position: Coord<f64>) -> bool {
    rings.iter().flat_map(|ring| ring.windows(2)).any(|edge| {
        let (dx, dy) = (edge[1][0] - edge[0][0], edge[1][1] - edge[0][1]);
        let squared = dx * dx + dy * dy;
        let along = (position.x - edge[0][0]) * dx + (position.y - edge[0][1]) * dy;
        let t = if squared > 0.0 { (along / squared).clamp(0.0, 1.0) } else { 0.0 };
        (edge[0][0] + dx * t - position.x).hypot(edge[0][1] + dy * t - position.y) < ROUNDING
    })
}

/// A point inside a ring: on a level between its two lowest corners, between the first two crossings.
fn point_in_ring(ring: &[[f64; 2]]) -> Option<Coord<f64>> {
    let mut levels: Vec<f64> = ring.iter().map(|[_, y]| *y).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    let y = f64::midpoint(*levels.first()?, *levels.get(1)?);
    let mut crossings: Vec<f64> = ring
        .windows(2)
        .filter(|edge| (edge[0][1] > y) != (edge[1][1] > y))
        .map(|edge| edge[0][0] + (y - edge[0][1]) / (edge[1][1] - edge[0][1]) * (edge[1][0] - edge[0][0]))
        .collect();
    crossings.sort_by(f64::total_cmp);
    Some(Coord { x: f64::midpoint(*crossings.first()?, *crossings.get(1)?), y })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(corners: &[[f64; 2]]) -> Ring {
        let mut ring = corners.to_vec();
        ring.push(corners[0]);
        ring
    }

    fn square(lon: f64, lat: f64, size: f64) -> Ring {
        ring(&[[lon, lat], [lon + size, lat], [lon + size, lat + size], [lon, lat + size]])
    }

    fn within(item: Vec<Ring>, area: Vec<Ring>) -> bool {
        is_within(&Location::Polygon(item), &Area::Polygon(Location::Polygon(area)))
    }

    #[test]
    fn boxes_hold_their_edges_and_cross_the_antimeridian() {
        let plain = Area::Box([0.0, 0.0, 10.0, 10.0]);
        assert!(is_within(&Location::Point([10.0, 0.0]), &plain));
        assert!(!is_within(&Location::Point([10.1, 0.0]), &plain));
        assert!(!is_within(&Location::Polygon(vec![square(5.0, 5.0, 6.0)]), &plain));
        let across = Area::Box([170.0, -10.0, -170.0, 10.0]);
        assert!(is_within(&Location::Point([175.0, 0.0]), &across));
        assert!(is_within(&Location::Point([-175.0, 0.0]), &across));
        assert!(!is_within(&Location::Point([0.0, 0.0]), &across));
        assert!(!is_within(&Location::Polygon(vec![square(-176.0, 0.0, 9.0)]), &across));
    }

    #[test]
    fn polygons_hold_polygons_but_not_through_notches_and_holes() {
        let area = square(0.0, 0.0, 10.0);
        assert!(within(vec![area.clone()], vec![area.clone()]));
        assert!(within(vec![square(1.0, 1.0, 2.0)], vec![area.clone()]));
        assert!(!within(vec![square(9.0, 9.0, 2.0)], vec![area.clone()]));
        let notched = ring(&[[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [5.0, 1.0], [0.0, 10.0]]);
        let flat = ring(&[[1.0, 4.0], [9.0, 4.0], [9.0, 5.0], [1.0, 5.0]]);
        assert!(!within(vec![flat], vec![notched]));
        let hole = square(4.0, 4.0, 2.0);
        let holed = vec![area, hole.clone()];
        assert!(!within(vec![square(3.0, 3.0, 4.0)], holed.clone()));
        assert!(within(vec![square(3.0, 3.0, 4.0), hole], holed.clone()));
        assert!(within(vec![square(4.0, 1.0, 2.0)], holed));
    }

    proptest! {
        #[test]
        fn what_is_within_has_no_point_outside(
            item in prop::collection::vec((0.0..10.0_f64, 0.0..10.0_f64), 3..5),
            area in prop::collection::vec((0.0..10.0_f64, 0.0..10.0_f64), 3..7),
        ) {
            // Rings may cross themselves here: nothing may panic, and edges that are inside are inside throughout.
            let item = ring(&item.into_iter().map(|(x, y)| [x, y]).collect::<Vec<_>>());
            let area = ring(&area.into_iter().map(|(x, y)| [x, y]).collect::<Vec<_>>());
            if within(vec![item.clone()], vec![area.clone()]) {
                let shape = polygon(std::slice::from_ref(&area));
                for edge in item.windows(2) {
                    for step in 0..=50 {
                        let t = f64::from(step) / 50.0;
                        let position = Coord {
                            x: edge[0][0] + (edge[1][0] - edge[0][0]) * t,
                            y: edge[0][1] + (edge[1][1] - edge[0][1]) * t,
                        };
                        prop_assert!(
                            is_inside(&shape, position) || is_on_edge(std::slice::from_ref(&area), position)
                        );
                    }
                }
            }
        }
    }
}
