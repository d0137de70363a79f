//! The one table of what follows what: a frame in, layers out, never fails.
