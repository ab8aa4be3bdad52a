//! The registry of checks: one family a directory, one check a file.

mod bld;
mod ctr;
mod dat;
mod env;
mod ext;
mod first_lines;
mod fs;
mod lib;
mod npy;
mod pkg;
mod wsm;

pub(crate) use ext::ext007::lacking_in;
pub(crate) use npy::numpy_mismatch;

use crate::Check;

/// Every check, by family and code.
pub const CHECKS: &[&Check] = &[
    &env::env001::CHECK,
    &env::env002::CHECK,
    &env::env003::CHECK,
    &env::env004::CHECK,
    &env::env005::CHECK,
    &env::env006::CHECK,
    &env::env007::CHECK,
    &env::env008::CHECK,
    &env::env009::CHECK,
    &pkg::pkg001::CHECK,
    &pkg::pkg002::CHECK,
    &pkg::pkg003::CHECK,
    &pkg::pkg004::CHECK,
    &pkg::pkg005::CHECK,
    &pkg::pkg006::CHECK,
    &pkg::pkg007::CHECK,
    &pkg::pkg008::CHECK,
    &pkg::pkg009::CHECK,
    &pkg::pkg010::CHECK,
    &pkg::pkg011::CHECK,
    &pkg::pkg012::CHECK,
    &npy::npy001::CHECK,
    &npy::npy002::CHECK,
    &npy::npy003::CHECK,
    &npy::npy004::CHECK,
    &npy::npy005::CHECK,
    &npy::npy006::CHECK,
    &npy::npy007::CHECK,
    &npy::npy008::CHECK,
    &lib::lib001::CHECK,
    &lib::lib002::CHECK,
    &lib::lib003::CHECK,
    &bld::bld001::CHECK,
    &bld::bld002::CHECK,
    &bld::bld003::CHECK,
    &bld::bld004::CHECK,
    &bld::bld005::CHECK,
    &bld::bld006::CHECK,
    &bld::bld007::CHECK,
    &bld::bld008::CHECK,
    &bld::bld009::CHECK,
    &bld::bld010::CHECK,
    &bld::bld011::CHECK,
    &bld::bld012::CHECK,
    &bld::bld013::CHECK,
    &bld::bld014::CHECK,
    &bld::bld015::CHECK,
    &bld::bld016::CHECK,
    &bld::bld017::CHECK,
    &bld::bld018::CHECK,
    &bld::bld019::CHECK,
    &bld::bld020::CHECK,
    &bld::bld021::CHECK,
    &bld::bld022::CHECK,
    &bld::bld023::CHECK,
    &bld::bld024::CHECK,
    &bld::bld025::CHECK,
    &bld::bld026::CHECK,
    &bld::bld027::CHECK,
    &bld::bld028::CHECK,
    &bld::bld029::CHECK,
    &bld::bld030::CHECK,
    &bld::bld031::CHECK,
    &ext::ext001::CHECK,
    &ext::ext002::CHECK,
    &ext::ext003::CHECK,
    &ext::ext004::CHECK,
    &ext::ext005::CHECK,
    &ext::ext006::CHECK,
    &ext::ext007::CHECK,
    &ext::ext008::CHECK,
    &ext::ext009::CHECK,
    &ext::ext010::CHECK,
    &fs::fs001::CHECK,
    &fs::fs002::CHECK,
    &fs::fs003::CHECK,
    &fs::fs004::CHECK,
    &fs::fs005::CHECK,
    &fs::fs006::CHECK,
    &fs::fs007::CHECK,
    &fs::fs008::CHECK,
    &fs::fs009::CHECK,
    &fs::fs010::CHECK,
    &fs::fs011::CHECK,
    &fs::fs012::CHECK,
    &fs::fs013::CHECK,
    &fs::fs014::CHECK,
    &fs::fs015::CHECK,
    &fs::fs016::CHECK,
    &fs::fs017::CHECK,
    &dat::dat001::CHECK,
    &dat::dat002::CHECK,
    &dat::dat003::CHECK,
    &dat::dat004::CHECK,
    &dat::dat005::CHECK,
    &dat::dat006::CHECK,
    &dat::dat007::CHECK,
    &dat::dat008::CHECK,
    &wsm::wsm001::CHECK,
    &ctr::ctr001::CHECK,
    &ctr::ctr002::CHECK,
    &ctr::ctr003::CHECK,
    &ctr::ctr004::CHECK,
    &ctr::ctr005::CHECK,
];

#[cfg(test)]
mod tests;
