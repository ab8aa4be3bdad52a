//! Work on all processors.
//!
//! Only what runs the threads is compiled here, and once: with an iterator of rayon for each of the
//! places that use it, the first command would compile a tenth more.

use std::sync::Mutex;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

/// Does `work` on every item, on all processors, and returns the results in the order of the items.
pub fn in_parallel<T: Send, R: Send>(
    items: impl IntoIterator<Item = T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let places: Vec<Mutex<Place<T, R>>> =
        items.into_iter().map(|item| Mutex::new(Place::Waiting(item))).collect();
    let at = |number: usize| {
        let swap = |new| places[number].lock().map(|mut place| std::mem::replace(&mut *place, new));
        if let Ok(Place::Waiting(item)) = swap(Place::Working) {
            let result = work(item);
            let _ = swap(Place::Done(result));
        }
    };
    each(places.len(), &at);
    let result = |place: Mutex<Place<T, R>>| match place.into_inner() {
        Ok(Place::Done(result)) => Some(result),
        _ => None,
    };
    places.into_iter().filter_map(result).collect()
}

/// Does both at once, if there is more than one processor.
pub fn both<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let (mut left, mut right) = (Place::Waiting(first), Place::Waiting(second));
    join(
        &mut || left = std::mem::replace(&mut left, Place::Working).done_by(|first| first()),
        &mut || right = std::mem::replace(&mut right, Place::Working).done_by(|second| second()),
    );
    match (left, right) {
        (Place::Done(left), Place::Done(right)) => (left, right),
        // A panic in one of them has been passed on before.
        _ => unreachable!("work was left undone"),
    }
}

/// What becomes of an item.
enum Place<T, R> {
    Waiting(T),
    Working,
    Done(R),
}

impl<T, R> Place<T, R> {
    fn done_by(self, work: impl FnOnce(T) -> R) -> Self {
        match self {
            Place::Waiting(item) => Place::Done(work(item)),
            other => other,
        }
    }
}

fn each(count: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..count).into_par_iter().for_each(work);
}

fn join(first: &mut (dyn FnMut() + Send), second: &mut (dyn FnMut() + Send)) {
    rayon::join(first, second);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let twice: Vec<usize> = (0..1000).map(|number| number * 2).collect();
        assert_eq!(in_parallel(0..1000, |number: usize| number * 2), twice);
        assert!(in_parallel(Vec::<u8>::new(), |number| number).is_empty());
    }

    #[test]
    fn work_may_be_in_parallel_itself() {
        let sums = in_parallel(0..50_u64, |row| {
            in_parallel(0..50_u64, |column| row * column).iter().sum::<u64>()
        });
        assert_eq!(sums.iter().sum::<u64>(), 1225 * 1225);
    }

    #[test]
    fn what_is_lent_can_be_changed() {
        let mut numbers = [1, 2, 3];
        in_parallel(&mut numbers, |number| *number += 1);
        assert_eq!(numbers, [2, 3, 4]);
    }

    #[test]
    fn both_results_come_back() {
        assert_eq!(both(|| 1, || both(|| "two", || [3])), (1, ("two", [3])));
    }

    #[test]
    fn a_panic_is_passed_on() {
        let run =
            |work: fn(usize) -> usize| std::panic::catch_unwind(|| in_parallel(0..10, work).len());
        assert_eq!(run(|number| number).unwrap(), 10);
        assert!(run(|number| if number == 7 { panic!("seven") } else { number }).is_err());
        assert!(std::panic::catch_unwind(|| both(|| 1, || -> u8 { panic!("two") })).is_err());
    }
}
