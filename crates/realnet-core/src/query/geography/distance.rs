//! Great-circle distance from a position to a point or polygon, and the boxes that hold all that is near.

use geo::{CoordinatePosition as _, Distance as _, Haversine, Point, coordinate_position::CoordPos};

use super::polygon;
use crate::model::{Bounds, Location};

/// Mean radius of the earth, in metres.
const RADIUS: f64 = 6_371_008.8;

/// Great-circle distance in metres from a position (degrees) to a location. A polygon is as near as its nearest
/// point, and 0 away from positions inside it.
pub fn distance(location: &Location, lon: f64, lat: f64) -> f64 {
    match location {
        Location::Point([x, y]) => between([lon, lat], [*x, *y]),
        Location::Polygon(rings) => {
            let inside = polygon(rings).coordinate_position(&geo::Coord { x: lon, y: lat });
            if inside != CoordPos::Outside {
                return 0.0;
            }
            let mut best = f64::INFINITY;
            for edge in rings.iter().flat_map(|ring| ring.windows(2)) {
                nearest_on_edge([lon, lat], edge[0], edge[1], &mut best);
            }
            best
        }
    }
}

fn between(a: [f64; 2], b: [f64; 2]) -> f64 {
    Haversine.distance(Point::new(a[0], a[1]), Point::new(b[0], b[1]))
}

/// Lowers `best` to the distance of the nearest point of an edge, which is walked in pieces of at most a degree:
/// within a piece the distance has one minimum.
fn nearest_on_edge(from: [f64; 2], start: [f64; 2], end: [f64; 2], best: &mut f64) {
    let (dx, dy) = (end[0] - start[0], end[1] - start[1]);
    let pieces = dx.abs().max(dy.abs()).ceil().max(1.0);
    let at = |t: f64| between(from, [start[0] + dx * t, start[1] + dy * t]);
    let mut piece = 0.0;
    while piece < pieces {
        let (mut low, mut high) = (piece / pieces, (piece + 1.0) / pieces);
        let (at_low, at_high) = (at(low), at(high));
        *best = best.min(at_low).min(at_high);
        // A degree of longitude or latitude is never longer than this, so nothing nearer can lie between.
        let length = (dx / pieces).hypot(dy / pieces) * 111_300.0;
        if at_low.min(at_high) - length < *best {
            for _ in 0..48 {
                let third = (high - low) / 3.0;
                if at(low + third) < at(high - third) {
                    high -= third;
                } else {
                    low += third;
                }
            }
            *best = best.min(at(f64::midpoint(low, high)));
        }
        piece += 1.0;
    }
}

/// Boxes that together hold every position within `metres` of a position; a location whose own box meets none of
/// them is farther away. One box, or two where it would cross the antimeridian.
pub fn near_bounds(lon: f64, lat: f64, metres: f64) -> Vec<Bounds> {
    // A little larger, so that rounding excludes nothing.
    let angle = metres / RADIUS * 1.000_001 + 1e-9;
    let reach = angle.to_degrees();
    let (min_lat, max_lat) = ((lat - reach).max(-90.0), (lat + reach).min(90.0));
    let whole = vec![Bounds { min_lon: -180.0, min_lat, max_lon: 180.0, max_lat }];
    if lat + reach >= 90.0 || lat - reach <= -90.0 {
        return whole;
    }
    let ratio = angle.sin() / lat.to_radians().cos();
    if angle >= std::f64::consts::FRAC_PI_2 || ratio >= 1.0 {
        return whole;
    }
    let width = ratio.asin().to_degrees() + 1e-9;
    if width >= 180.0 {
        return whole;
    }
    let (west, east) = (lon - width, lon + width);
    let piece = |min_lon: f64, max_lon: f64| Bounds { min_lon, min_lat, max_lon, max_lat };
    if west < -180.0 {
        vec![piece(west + 360.0, 180.0), piece(-180.0, east)]
    } else if east > 180.0 {
        vec![piece(west, 180.0), piece(-180.0, east - 360.0)]
    } else {
        vec![piece(west, east)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn square(lon: f64, lat: f64, size: f64) -> Location {
        let (east, north) = (lon + size, lat + size);
        Location::Polygon(vec![vec![[lon, lat], [east, lat], [east, north], [lon, north], [lon, lat]]])
    }

    #[test]
    fn great_circles_are_known() {
        let zurich = Location::Point([8.5417, 47.3769]);
        let metres = distance(&zurich, 7.4474, 46.9480);
        assert!((95_000.0..96_000.0).contains(&metres), "{metres}");
        let across = distance(&Location::Point([-179.9, 0.0]), 179.9, 0.0);
        assert!((22_200.0..22_300.0).contains(&across), "{across}");
    }

    #[test]
    fn polygons_are_as_near_as_their_edge() {
        let square = square(0.0, 0.0, 10.0);
        assert!(distance(&square, 5.0, 5.0).abs() < f64::EPSILON);
        let metres = distance(&square, 5.0, -1.0);
        assert!((metres - 111_195.0).abs() < 5.0, "{metres}");
        let hole = Location::Polygon(vec![
            vec![[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0], [0.0, 0.0]],
            vec![[4.0, 4.0], [6.0, 4.0], [6.0, 6.0], [4.0, 6.0], [4.0, 4.0]],
        ]);
        assert!((distance(&hole, 5.0, 5.0) - 110_770.0).abs() < 500.0);
    }

    proptest! {
        #[test]
        fn bounds_hold_all_that_is_near(
            lon in -180.0..180.0_f64, lat in -90.0..90.0_f64, metres in 0.0..3e6_f64,
            x in -180.0..180.0_f64, y in -90.0..90.0_f64, size in 0.0..20.0_f64,
        ) {
            let location = if size < 5.0 {
                Location::Point([x, y])
            } else {
                square(x.min(180.0 - size), y.min(90.0 - size), size)
            };
            let own = location.bounds();
            let meets = |near: &Bounds| {
                near.min_lon <= own.max_lon && own.min_lon <= near.max_lon
                    && near.min_lat <= own.max_lat && own.min_lat <= near.max_lat
            };
            if distance(&location, lon, lat) <= metres {
                prop_assert!(near_bounds(lon, lat, metres).iter().any(meets));
            }
        }

        #[test]
        fn no_sampled_point_of_a_polygon_is_nearer(
            lon in -180.0..180.0_f64, lat in -90.0..90.0_f64,
            corners in prop::collection::vec((-180.0..180.0_f64, -90.0..90.0_f64), 3..6),
        ) {
            let mut ring: Vec<[f64; 2]> = corners.iter().map(|(x, y)| [*x, *y]).collect();
            ring.push(ring[0]);
            let nearest = distance(&Location::Polygon(vec![ring.clone()]), lon, lat);
            for edge in ring.windows(2) {
                for step in 0..=100 {
                    let t = f64::from(step) / 100.0;
                    let x = edge[0][0] + (edge[1][0] - edge[0][0]) * t;
                    let y = edge[0][1] + (edge[1][1] - edge[0][1]) * t;
                    prop_assert!(nearest <= between([lon, lat], [x, y]) + 1e-3);
                }
            }
        }
    }
}
