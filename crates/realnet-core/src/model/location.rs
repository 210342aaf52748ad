//! Where an item is: a GeoJSON point or polygon in WGS 84, and its bounds for spatial indexes.

use serde_json::Value;

use crate::error::{Error, Result};

/// A position `[longitude, latitude]` in degrees.
pub type Position = [f64; 2];

/// A GeoJSON `Point` or `Polygon` (first ring outer, others holes, each closed).
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", content = "coordinates")]
pub enum Location {
    /// One position.
    Point(Position),
    /// Rings of positions.
    Polygon(Vec<Vec<Position>>),
}

/// The smallest box around a location, in degrees. It never crosses the antimeridian.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Western edge.
    pub min_lon: f64,
    /// Southern edge.
    pub min_lat: f64,
    /// Eastern edge.
    pub max_lon: f64,
    /// Northern edge.
    pub max_lat: f64,
}

impl Location {
    /// The most positions that a polygon may have.
    pub const MAX_POSITIONS: usize = 10_000;

    /// Reads GeoJSON and checks it: ranges of degrees, closed rings of at least four positions.
    pub fn from_json(value: &Value) -> Result<Self> {
        let location: Self = serde_json::from_value(value.clone()).map_err(|_| {
            Error::malformed_at(
                "/location",
                "expected a GeoJSON Point or Polygon with [longitude, latitude] positions",
            )
        })?;
        location.check().map_err(|detail| Error::malformed_at("/location", detail))?;
        Ok(location)
    }

    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Point(position) => check_position(position),
            Self::Polygon(rings) => {
                if rings.is_empty() {
                    return Err("a polygon needs at least one ring");
                }
                if rings.iter().map(Vec::len).sum::<usize>() > Self::MAX_POSITIONS {
                    return Err("a polygon has at most 10,000 positions");
                }
                rings.iter().try_for_each(|ring| check_ring(ring))
            }
        }
    }

    /// The smallest box around it.
    pub fn bounds(&self) -> Bounds {
        let positions: Box<dyn Iterator<Item = &Position>> = match self {
            Self::Point(position) => Box::new(std::iter::once(position)),
            Self::Polygon(rings) => Box::new(rings.iter().flatten()),
        };
        let start = Bounds { min_lon: 180.0, min_lat: 90.0, max_lon: -180.0, max_lat: -90.0 };
        positions.fold(start, |bounds, [lon, lat]| Bounds {
            min_lon: bounds.min_lon.min(*lon),
            min_lat: bounds.min_lat.min(*lat),
            max_lon: bounds.max_lon.max(*lon),
            max_lat: bounds.max_lat.max(*lat),
        })
    }
}

fn check_position([lon, lat]: &Position) -> Result<(), &'static str> {
    if (-180.0..=180.0).contains(lon) && (-90.0..=90.0).contains(lat) {
        Ok(())
    } else {
        Err("longitude is within -180..180 and latitude within -90..90")
    }
}

fn check_ring(ring: &[Position]) -> Result<(), &'static str> {
    if ring.len() < 4 {
        return Err("a ring has at least four positions");
    }
    if ring.first() != ring.last() {
        return Err("a ring ends where it begins");
    }
    ring.iter().try_for_each(check_position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_points_and_polygons() {
        let point = Location::from_json(&json!({"type":"Point","coordinates":[8.5, 47.4]})).unwrap();
        assert_eq!(point, Location::Point([8.5, 47.4]));
        let ring = json!([[0, 0], [2, 0], [2, 1], [0, 0]]);
        let polygon = Location::from_json(&json!({"type":"Polygon","coordinates":[ring]})).unwrap();
        assert_eq!(polygon.bounds(), Bounds { min_lon: 0.0, min_lat: 0.0, max_lon: 2.0, max_lat: 1.0 });
    }

    #[test]
    fn refuses_what_is_not_on_earth() {
        for bad in [
            json!({"type":"Point","coordinates":[181, 0]}),
            json!({"type":"Point","coordinates":[0]}),
            json!({"type":"LineString","coordinates":[[0,0],[1,1]]}),
            json!({"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}),
            json!({"type":"Polygon","coordinates":[]}),
        ] {
            assert!(Location::from_json(&bad).is_err(), "{bad}");
        }
    }
}
