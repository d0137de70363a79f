//! One wire: frames, the addresses on them, and what can be done with an interface.
