//! Logs: what `explain` makes of texts from public threads, however they are dressed.

#[cfg(test)]
mod texts;
