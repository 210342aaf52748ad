//! GeoJSON geometries (RFC 7946) as field values.

use serde_json::Value;

const EXPECTED: &str = "expected a GeoJSON geometry with [longitude, latitude] positions";

/// The deepest nesting of geometry collections.
const MAX_NESTING: usize = 4;

/// Checks type, shape and ranges; the value is kept as it is.
pub(super) fn check(value: &Value) -> Result<(), &'static str> {
    if is_geometry(value, 0) { Ok(()) } else { Err(EXPECTED) }
}

fn is_geometry(value: &Value, nesting: usize) -> bool {
    let coordinates = value.get("coordinates").unwrap_or(&Value::Null);
    match value.get("type").and_then(Value::as_str) {
        Some("Point") => is_position(coordinates),
        Some("MultiPoint") => all(coordinates, 1, is_position),
        Some("LineString") => is_line(coordinates),
        Some("MultiLineString") => all(coordinates, 1, is_line),
        Some("Polygon") => all(coordinates, 1, is_ring),
        Some("MultiPolygon") => all(coordinates, 1, |polygon| all(polygon, 1, is_ring)),
        Some("GeometryCollection") => {
            nesting < MAX_NESTING
                && value
                    .get("geometries")
                    .and_then(Value::as_array)
                    .is_some_and(|parts| parts.iter().all(|part| is_geometry(part, nesting + 1)))
        }
        _ => false,
    }
}

fn all(value: &Value, least: usize, is_part: fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|parts| parts.len() >= least && parts.iter().all(is_part))
}

fn is_position(value: &Value) -> bool {
    let Some(parts) = value.as_array() else { return false };
    let numbers: Option<Vec<f64>> = parts.iter().map(Value::as_f64).collect();
    match numbers.as_deref() {
        Some([lon, lat] | [lon, lat, _]) => (-180.0..=180.0).contains(lon) && (-90.0..=90.0).contains(lat),
        _ => false,
    }
}

fn is_line(value: &Value) -> bool {
    all(value, 2, is_position)
}

fn is_ring(value: &Value) -> bool {
    all(value, 4, is_position)
        && value.as_array().is_some_and(|positions| positions.first() == positions.last())
}
