//! Projects of other people, as the package index has them: the doctor neither fails on them nor
//! raises a false alarm. And the program as others have it: a wheel, and a hook.

#[cfg(test)]
mod findings;
#[cfg(test)]
mod hooks;
#[cfg(test)]
#[path = "../interpreters.rs"]
mod interpreters;
#[cfg(test)]
#[path = "../skips.rs"]
mod skips;
#[cfg(test)]
mod sources;
#[cfg(test)]
#[path = "../tools.rs"]
mod tools;
#[cfg(test)]
mod wheel;
