//! Every lab, by layer.

use super::experiment::Lab;

/// The labs, in the order in which one would take them.
pub const LABS: &[Lab] = &[super::handshake::LAB, super::close::LAB];

/// The lab called `name`.
pub fn find(name: &str) -> Option<&'static Lab> {
    LABS.iter().find(|lab| lab.name == name)
}
