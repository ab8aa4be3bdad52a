//! What the renderers make of a few results.

#[cfg(test)]
mod html;
#[cfg(test)]
mod human;
#[cfg(test)]
mod json;
#[cfg(test)]
mod junit;
#[cfg(test)]
mod markdown;
#[cfg(test)]
mod samples;
#[cfg(test)]
#[path = "../../../report/tests/render/schema.rs"]
mod schema;
