//! What stands for the live screen in a program that was built without it.

use std::sync::{Arc, Mutex};

use anyhow::bail;

use super::Setup;
use crate::capture::queue::Queue;
use crate::capture::watch::Watch;
use crate::kernel::signal::Interrupts;

/// There is none.
pub(in super::super) enum Display {}

impl Display {
    pub(super) fn open(_: Setup) -> anyhow::Result<Self> {
        bail!(
            "this netlab was built without --top\n\
             hint: cargo build --release --features top builds one with it; --flows prints the conversations at the end"
        )
    }

    pub(in super::super) fn prepare(&self) {
        match *self {}
    }

    pub(in super::super) fn watch(&self) -> Arc<Mutex<Watch>> {
        match *self {}
    }

    pub(in super::super) fn run(&self, _: Option<&Queue>, _: &Interrupts) -> anyhow::Result<()> {
        match *self {}
    }

    pub(in super::super) fn end(&self, _: bool) {
        match *self {}
    }
}
