//! Real containers: what each engine keeps, and that nothing is left of them.

#[cfg(test)]
mod images;
#[cfg(test)]
mod killed;
#[cfg(test)]
#[path = "../leftovers.rs"]
mod leftovers;
#[cfg(test)]
mod program;
#[cfg(test)]
mod runs;
#[cfg(test)]
#[path = "../skips.rs"]
mod skips;
#[cfg(test)]
mod support;
