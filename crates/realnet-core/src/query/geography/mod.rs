//! Geography of filters: distances on the sphere, containment in areas, boxes for the indexes of stores.
//!
//! Edges of polygons are straight in longitude and latitude, as GeoJSON says. The sphere has the mean radius of
//! the earth, 6,371,008.8 m.

mod contains;
mod distance;

pub use contains::{area_bounds, is_within};
pub use distance::{distance, near_bounds};

use geo::{Coord, LineString, Polygon};

/// The rings of a GeoJSON polygon as the geometry library takes them.
fn polygon(rings: &[Vec<[f64; 2]>]) -> Polygon<f64> {
    let mut rings = rings
        .iter()
        .map(|ring| ring.iter().map(|[x, y]| Coord { x: *x, y: *y }).collect::<LineString<f64>>());
    let exterior = rings.next().unwrap_or_else(|| LineString::new(Vec::new()));
    Polygon::new(exterior, rings.collect())
}
