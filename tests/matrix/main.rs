//! The matrix with real interpreters and real numpys: what passes, what is made to fail, and what is
//! said of it.

#[cfg(test)]
mod cells;
#[cfg(test)]
mod default_matrix;
#[cfg(test)]
mod environments;
#[cfg(test)]
mod failures;
#[cfg(test)]
#[path = "../interpreters.rs"]
mod interpreters;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod product;
#[cfg(test)]
mod pyodide;
#[cfg(test)]
mod shards;
#[cfg(test)]
#[path = "../skips.rs"]
mod skips;
#[cfg(test)]
mod support;
#[cfg(test)]
#[path = "../tools.rs"]
mod tools;
#[cfg(test)]
mod wheel;
