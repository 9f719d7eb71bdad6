//! People, as others see them.

use serde::{Deserialize, Serialize};

/// Who looks at a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    pub id: String,
    pub name: String,
    /// The colour, in degrees.
    pub hue: u16,
}
