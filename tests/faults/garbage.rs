//! Damaged, huge and hostile files: the doctor says what it could not read, and finishes.

mod damage;
mod hostile;
mod modules;
mod trees;
