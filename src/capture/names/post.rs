//! Names on their way from a source of frames to those who want them.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::host_name;

/// Names that wait for somebody to take them, at most.
const MOST: usize = 16_384;

/// Names that a source has told beside its frames, until they are taken. Copies are of the same list.
#[derive(Clone, Debug, Default)]
pub struct Told(Arc<Mutex<List>>);

type List = Vec<(IpAddr, Box<str>)>;

impl Told {
    /// Tells a name; what is none is left out.
    pub fn add(&self, address: IpAddr, name: &str) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = host_name(name).filter(|_| waiting.len() < MOST) {
            waiting.push((address, name));
        }
    }

    /// Takes all that wait.
    pub(in crate::capture) fn take(&self) -> List {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_takes_do_not_pile_up() {
        let told = Told::default();
        (0..=MOST).for_each(|_| told.add(IpAddr::from([10, 0, 0, 1]), "x"));
        assert_eq!(told.take().len(), MOST);
        assert!(told.take().is_empty());
    }
}
