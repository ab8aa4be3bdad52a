//! The program as a user calls it: what it prints on which stream, and how it ends.

#[cfg(test)]
#[path = "../../crates/artifacts/src/samples/wheel.rs"]
mod archive;
#[cfg(test)]
mod build;
#[cfg(test)]
mod completions;
#[cfg(test)]
mod configuration;
#[cfg(test)]
#[cfg(unix)]
mod dashboards;
#[cfg(test)]
mod diff;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod engines;
#[cfg(test)]
mod envs;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod explain_log;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod fix;
#[cfg(test)]
mod help;
#[cfg(test)]
mod image;
#[cfg(test)]
mod init;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod scan;
#[cfg(test)]
mod scan_more;
#[cfg(test)]
#[path = "../../crates/report/tests/render/schema.rs"]
mod schema;
#[cfg(test)]
#[path = "../skips.rs"]
mod skips;
#[cfg(test)]
mod streams;
#[cfg(test)]
#[cfg(unix)]
mod watch;
#[cfg(test)]
mod wheels;
