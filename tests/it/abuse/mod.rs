//! One caller must not stop the others: what may go wrong between callers is tried here against a whole service. Each
//! attack has a short form that is always run; with `ASSESSD_LONG=1` it is run at size and prints its figures.

mod cancel;
mod connections;
mod due;
mod memory;
mod refusals;
mod starve;
mod stopping;

/// Whether the long forms are asked for.
pub fn long() -> bool {
    std::env::var("ASSESSD_LONG").is_ok_and(|v| v == "1")
}

/// Prints a figure, where the long forms are asked for.
pub fn figure(what: &str, value: impl std::fmt::Display) {
    if long() {
        println!("abuse: {what}: {value}");
    }
}
