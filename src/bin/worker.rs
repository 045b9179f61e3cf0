//! The explorer's worker.

fn main() {
    faultscope::web::worker::serve();
}
