//! Work that runs detached from the interpreter, on threads that survive a fork.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_quant::Error;
use pyo3::prelude::*;

use crate::error::Failure;

/// Does work while other Python threads run; a panic becomes an error.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> PyResult<T> {
    py.detach(|| caught(work)).map_err(|failure| failure.raise(py))
}

/// Does work that is soon done; a panic becomes an error.
pub(crate) fn attached<T>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Failure>,
) -> PyResult<T> {
    caught(work).map_err(|failure| failure.raise(py))
}

fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(told(&*panic)))
}

fn told(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Failure::Panic(text.unwrap_or_else(|| "a panic".to_owned()))
}

/// Does something on the threads of this process.
///
/// The threads that rayon shares among all stay behind when a process forks, as those of Python's
/// `multiprocessing` do, and the child would wait for them for ever. So the pool is known by the
/// process that made it, and each child makes its own.
pub(crate) fn on_threads<T: Send>(
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    static POOL: Mutex<Option<(u32, Arc<rayon::ThreadPool>)>> = Mutex::new(None);
    let process = std::process::id();
    let pool = {
        let mut known = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some((owner, pool)) if *owner == process => Arc::clone(pool),
            _ => {
                let pool = rayon::ThreadPoolBuilder::new()
                    .thread_name(|number| format!("arrow-quant-{number}"))
                    .build()
                    .map_err(|error| Error::Threads { reason: error.to_string() })?;
                let pool = Arc::new(pool);
                // A pool of the parent has no threads here that could end.
                std::mem::forget(known.replace((process, Arc::clone(&pool))));
                pool
            }
        }
    };
    pool.install(work)
}
