//! Which numpy reads what another numpy wrote: rules measured on real installations, as data
//! (`rules.toml`), and the questions that can be asked of them.
//!
//! `.npy` and `.npz` files of plain arrays name no module and cross every pair of versions. A pickle
//! names the function that rebuilds an object, so what becomes of it depends on both sides, on the
//! kind of the object and on the protocol: [`predict`] says it for known sides, [`readers_of_name`]
//! and [`read_names`] for a file whose writer is unknown.
//!
//! ```
//! use numpy_rules::{Reading, Side, kind, predict};
//!
//! let (new, old) = ("2.2.6".parse().unwrap(), "1.24.4".parse().unwrap());
//! let reading = predict(
//!     kind("array").unwrap(),
//!     4,
//!     Side { numpy: &new, python: None },
//!     Side { numpy: &old, python: None },
//! );
//! assert_eq!(reading, Reading::Fails("ModuleNotFoundError: No module named 'numpy._core'".into()));
//! ```

mod data;
mod direction;
mod names;
mod pickles;
mod range;
mod renames;
mod versions;

pub use data::Kind;
pub use direction::Direction;
pub use names::{NameReaders, read_names, readers_of_name, turning_points};
pub use pickles::{PROTOCOLS, Reading, Side, kind, kinds, predict};
pub use range::Range;
pub use renames::{Renamed, name_in_numpy_1};
pub use versions::{api_version, has_numpy_2, has_wheels, is_numpy_2, minor};
