//! The wheel `arrow_quant_v2`: built once, and tried in environments of old and new Pythons and numpys.

#[cfg(test)]
mod bridge;
#[cfg(test)]
mod build;
#[cfg(test)]
mod clone;
#[cfg(test)]
mod environments;
#[cfg(test)]
#[path = "../interpreters.rs"]
mod interpreters;
#[cfg(test)]
mod pythons;
#[cfg(test)]
#[path = "../skips.rs"]
mod skips;
#[cfg(test)]
#[path = "../tools.rs"]
mod tools;
#[cfg(test)]
mod types;
