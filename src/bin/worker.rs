//! The explorer's worker.

fn main() {
    faultscope::platform::run_constructors();
    faultscope::web::worker::serve();
}
