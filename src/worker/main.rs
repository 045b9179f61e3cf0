//! The explorer's worker.

fn main() {
    faultscope_worker::serve();
}
