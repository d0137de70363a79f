//! Live and stored captures.
