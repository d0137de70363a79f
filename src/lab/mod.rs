//! Experiments on real kernels: each returns an observation as data.
