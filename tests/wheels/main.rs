//! Real wheels, built by maturin: judged by `check` as auditwheel and abi3audit judge them, and
//! compared by `compare`.

#[cfg(test)]
mod oracles;
#[cfg(test)]
mod pairs;
#[cfg(test)]
#[path = "../skips.rs"]
mod skips;
#[cfg(test)]
mod support;
#[cfg(test)]
#[path = "../tools.rs"]
mod tools;
