//! Real builds in real clean rooms: what comes of them, whether it is the same everywhere, and what
//! is said and left when they fail.

#[cfg(test)]
mod documents;
#[cfg(test)]
mod engines;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod inputs;
#[cfg(test)]
mod killed;
#[cfg(test)]
#[path = "../leftovers.rs"]
mod leftovers;
#[cfg(test)]
mod mirror;
#[cfg(test)]
mod records;
#[cfg(test)]
mod repository;
#[cfg(test)]
mod support;

#[cfg(test)]
#[path = "../interpreters.rs"]
mod interpreters;
#[cfg(test)]
#[path = "../skips.rs"]
mod skips;
#[cfg(test)]
#[path = "../tools.rs"]
mod tools;
