//! Names of planes and positions in them.

use protocol::TensorInfo;
use protocol::planes::{PlaneKind, Planes};

/// Returns the name of a plane.
pub fn plane_name(kind: PlaneKind, plane: usize) -> String {
    match kind {
        PlaneKind::Channel => format!("channel {plane}"),
        PlaneKind::Filter => format!("filter {plane}"),
        PlaneKind::Vector => "vector".to_owned(),
        PlaneKind::Head { windows: 1, .. } => format!("head {plane}"),
        PlaneKind::Head { heads, .. } => format!("window {}, head {}", plane / heads.max(1), plane % heads.max(1)),
    }
}

/// Describes the element drawn at `spot`. The map shows the stored order; element numbers follow the layout of the
/// source framework.
pub fn position(planes: &Planes, tensor: &TensorInfo, spot: usize) -> String {
    let element = tensor.element(spot);
    let (row, column) = planes.position(spot);
    let plane = planes.plane_of(spot);
    match planes.kind {
        PlaneKind::Channel => format!("element {element}: channel {plane}, row {row}, column {column}"),
        PlaneKind::Filter => format!("element {element}: filter {plane}, weight {}", spot % planes.per_plane.max(1)),
        PlaneKind::Vector => format!("element {element}"),
        PlaneKind::Head { .. } => {
            format!("element {element}: {}, query {row}, key {column}", plane_name(planes.kind, plane))
        }
    }
}
